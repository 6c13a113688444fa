from lintcases import Case, conda

from envbuild.model.types import Pickle
from envbuild.resolver.types import WheelContents

BASE = frozenset({"libc.so.6", "libm.so.6", "libz.so.1", "libgomp.so.1", "libstdc++.so.6"})
SLIM = BASE - {"libgomp.so.1"}


def wheel(
    name: str,
    *askers: tuple[str, str],
    modules: str = "",
    requires: tuple[str, ...] = (),
    provided: tuple[str, ...] = (),
) -> dict[str, WheelContents]:
    contents = WheelContents(
        name=name,
        version="1.0",
        modules=frozenset((modules or name).split()),
        requires=requires,
        needed=frozenset(library for library, _ in askers),
        provided=frozenset(provided),
        askers=askers,
    )
    return {name: contents}


def case(contents: dict[str, WheelContents], *listed: str, libraries: frozenset[str] = BASE, **more: object) -> Case:
    files = {"conda.yaml": conda(*(listed or [f"{name}==1.0" for name in contents]))}
    packages = dict.fromkeys(contents, "1.0")
    return Case(files=files, packages=packages, contents=contents, libraries=libraries, **more)  # type: ignore[arg-type]


CV2 = wheel(
    "opencv-python",
    ("libGL.so.1", "cv2/cv2.abi3.so"),
    ("libGL.so.1", "cv2/qt/plugins/platforms/libqxcb.so"),
    ("libX11.so.6", "cv2/qt/plugins/platforms/libqxcb.so"),
    ("libgthread-2.0.so.0", "cv2/cv2.abi3.so"),
    modules="cv2 cv2.cv2",
)
LIGHTGBM = wheel("lightgbm", ("libgomp.so.1", "lightgbm/lib/lib_lightgbm.so"))
ODBC = wheel("pyodbc", ("libodbc.so.2", "pyodbc.cpython-311-x86_64-linux-gnu.so"))
TRIGGERS = [
    case(CV2, at=("conda.yaml:5",), says="opencv-python 1.0 needs libGL.so.1, libgthread-2.0.so.0, which neither"),
    case(LIGHTGBM, libraries=SLIM, says="it cannot be imported"),
    case(ODBC, says="needs libodbc.so.2"),
    # It has no compiled code: it opens the library by its name.
    case(wheel("python-magic", modules="magic"), says="python-magic 1.0 needs libmagic.so.1, which"),
    # Another package brings it: the model's pickles tell that it is used.
    case(CV2, "ultralytics==8.0", pickles=(Pickle(file="model.pkl", modules=frozenset({"cv2.dnn"})),)),
    case(CV2, "ultralytics==8.0", severity="warning"),
    case(CV2 | wheel("albumentations", requires=("opencv_python>=4.9",)), "opencv-python==1.0"),
    case(
        wheel("fast", ("libunknown.so.3", "fast/_core.abi3.so")), severity="warning", says="fast/_core.abi3.so cannot"
    ),
    case(wheel("face", ("libEGL.so.1", "face/c/libface.so")), severity="info"),
    case(wheel("torchaudio", ("libtorch_cuda.so", "torchaudio/lib/_torchaudio.so")), severity="warning"),
]
NEAR_MISSES = [
    case(CV2, libraries=BASE | {"libGL.so.1", "libgthread-2.0.so.0"}),
    case(wheel("opencv-python-headless", modules="cv2 cv2.cv2")),
    case(LIGHTGBM),
    # Only the pool of threads that somebody chooses needs TBB.
    case(wheel("numba", ("libtbb.so.12", "numba/np/ufunc/tbbpool.cpython-311-x86_64-linux-gnu.so"))),
    case(wheel("numba", ("libgomp.so.1", "numba/np/ufunc/omppool.cpython-311-x86_64-linux-gnu.so")), libraries=SLIM),
    case(wheel("torchaudio", ("libavutil.so.57", "torio/lib/_torio_ffmpeg5.so"))),
    # The driver of a graphics card comes from the machine, CUDA from other wheels.
    case(wheel("torch", ("libcuda.so.1", "torch/lib/libcaffe2_nvrtc.so"))),
    case(
        wheel("torch", ("libcudnn.so.9", "torch/lib/libtorch_cuda.so"))
        | wheel("nvidia-cudnn-cu12", provided=("libcudnn.so.9",)),
        "torch==1.0",
    ),
    case(wheel("python-magic", modules="magic"), libraries=BASE | {"libmagic.so.1"}),
    case(wheel("pyzbar", provided=("libzbar.so.0",))),
    case(wheel("qt", ("libX11.so.6", "qt/plugins/platforms/libqxcb.so"))),
    # What the base has is not known, nor what Azure's has.
    case(CV2, libraries=frozenset()),
    case(CV2, target={"azure": True}),
]
