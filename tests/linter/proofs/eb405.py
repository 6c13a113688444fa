from proving import Proof

# pandas.Index([3, 1, 2], dtype="int64"), as pandas 1.5.3 pickles it.
INDEX = (
    "gASVDgEAAAAAAACMGHBhbmRhcy5jb3JlLmluZGV4ZXMuYmFzZZSMCl9uZXdfSW5kZXiUk5SMG3BhbmRhcy5jb3JlLmluZGV4ZXMubnVtZXJp"
    "Y5SMCkludDY0SW5kZXiUk5R9lCiMBGRhdGGUjBVudW1weS5jb3JlLm11bHRpYXJyYXmUjAxfcmVjb25zdHJ1Y3SUk5SMBW51bXB5lIwHbmRh"
    "cnJheZSTlEsAhZRDAWKUh5RSlChLAUsDhZRoC4wFZHR5cGWUk5SMAmk4lImIh5RSlChLA4wBPJROTk5K/////0r/////SwB0lGKJQxgDAAAA"
    "AAAAAAEAAAAAAAAAAgAAAAAAAACUdJRijARuYW1llE51hpRSlC4="
)
PROOFS = [
    Proof(
        requirements=("pandas==2.3.3", "numpy==1.26.4"),
        pickle=INDEX,
        program="import pickle\nassert list(pickle.load(open('model.pkl', 'rb'))) == [3, 1, 2]\n",
        fails=r"No module named 'pandas\.core\.indexes\.numeric'",
    )
]
