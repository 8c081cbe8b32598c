"""When a loss is that of a fit on labels, so that the student's own fit minimises it."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from skdistill.loss import CombinedLoss
from skdistill.students._leaves import labels_alone

Y = np.array([0, 1, 2, 1, 0])
ONE_HOT = np.eye(3)[Y]


@pytest.mark.parametrize("alpha", [0.3, 1.0])
def test_one_hot_labels_are_labels_at_temperature_1_and_no_other(alpha):
    for temperature, expected in ((1, Y), (2, None), (0.5, None)):
        loss = CombinedLoss(ONE_HOT, Y, temperature=temperature, alpha=alpha)
        assert_array_equal(labels_alone(loss), expected)


def test_without_a_say_of_the_teacher_labels_are_labels_at_any_temperature():
    loss = CombinedLoss(np.full((5, 3), 1 / 3), Y, temperature=3, alpha=0)
    assert_array_equal(labels_alone(loss), Y)


def test_one_soft_row_or_a_class_without_a_row_makes_another_loss():
    soft = ONE_HOT.copy()
    soft[3] = [0.1, 0.9, 0]
    assert labels_alone(CombinedLoss(soft, Y)) is None
    two = np.minimum(Y, 1)
    assert labels_alone(CombinedLoss(np.eye(3)[two], two)) is None


def test_a_soft_row_without_weight_does_not_count():
    soft = ONE_HOT.copy()
    soft[3] = [0.1, 0.9, 0]
    assert labels_alone(CombinedLoss(soft, Y, sample_weight=[1, 1, 1, 0, 1])) is not None
