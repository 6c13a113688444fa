from proving import Proof

# numpy.array([1.0, 2.0]), as numpy 2.2.6 pickles it.
ARRAY = (
    "gASVmQAAAAAAAACMFm51bXB5Ll9jb3JlLm11bHRpYXJyYXmUjAxfcmVjb25zdHJ1Y3SUk5SMBW51bXB5lIwHbmRhcnJheZSTlEsAhZRDAWKU"
    "h5RSlChLAUsChZRoA4wFZHR5cGWUk5SMAmY4lImIh5RSlChLA4wBPJROTk5K/////0r/////SwB0lGKJQxAAAAAAAADwPwAAAAAAAABAlHSU"
    "Yi4="
)
PROOFS = [
    Proof(
        requirements=("numpy==1.25.2",),
        pickle=ARRAY,
        program="import pickle\nassert pickle.load(open('model.pkl', 'rb')).tolist() == [1.0, 2.0]\n",
        fails=r"No module named 'numpy\._core'",
    )
]
