"""What any meta-estimator needs of the estimators it holds."""
