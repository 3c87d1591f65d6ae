"""A forecaster for ml4t-live: any fitted estimator of scikit-learn."""
