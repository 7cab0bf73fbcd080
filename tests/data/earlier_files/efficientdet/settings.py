"""Every knob of Bearcat with its default.

New_work.py copies this file into a work; what stands in the work's copy goes before what stands here,
and `--set NAME=VALUE` on a command line goes before both.
Values are plain Python literals: numbers, strings, True, False, None, lists.
"""

# --- what is recognised -------------------------------------------------------------------------
MODE = "ORDINARY"  # 'ORDINARY', 'CTC', 'CTC_TINY': text; 'NUM_CLASSES': what a picture shows; 'EFFICIENTDET': where
BACKBONE = "auto"  # the network that looks at the picture: 'auto', or a name of the table in bearcat/backbones
CAPTCHA_LENGTH = 8  # ORDINARY, CTC_TINY: the longest label; shorter ones are padded with blanks
PHI = "auto"  # EFFICIENTDET: 0 … 7 for D0 … D7, -1 for the light network, which a CPU trains; 'auto': -1, on a GPU 0
IMAGE_SIZES = [512, 640, 768, 896, 1024, 1280, 1408, 1536]  # the side of the square that D0 … D7 see, in pixels
MODEL_NAME = "captcha"  # the name under which the trained unit is saved and served

# --- what the network sees: python cheak_file.py --apply sets these from the data ----------------
IMAGE_HEIGHT = 60  # pixels; smaller pictures are padded, larger ones shrunk in proportion and padded
IMAGE_WIDTH = 100  # pixels
IMAGE_CHANNALS = 1  # 1: grey, 3: colour

# --- data ----------------------------------------------------------------------------------------
DIVIDE = True  # move_path.py: True splits off validation and test, False test only
DIVIDE_RATO = 0.1  # move_path.py: the share of the pictures that each of them gets
AUGMENT = True  # small random turns, shifts, changes of light; from 500 texts on they fade towards a known end
MOSAIC = False  # EFFICIENTDET: True trains on pictures put together of four as well
DATA_ENHANCEMENT = False  # pack_dataset.py: how many changed copies of each training picture to pack beside it
PACK_FOLDER = None  # where the packs lie: None: in the work; else a folder, or a URL such as 'gs://bucket/packs'
SEED = 0  # everything random starts from this number

# --- training ------------------------------------------------------------------------------------
USE_GPU = True  # False hides the GPU
STRATEGY = "auto"  # 'single', 'mirrored' (several GPUs), 'multi_worker' (TF_CONFIG); 'auto' takes what is there
WEIGHTS = "base"  # the text modes start from what the toolkit has learnt of captchas; None: from nothing
TRAIN_SECONDS = 0  # so long, with LR falling along a cosine meanwhile; 0: until EARLY_PATIENCE ends it
EPOCHS = 200  # at most; EARLY_PATIENCE usually ends the training before
BATCH_SIZE = 32  # pictures a step, for each GPU or worker
PRECISION = "auto"  # 'float32', 'bfloat16' or 'float16'; 'auto' takes what is fastest here
OPTIMIZER = "AdamW"  # or 'AdaBelief', 'Adam', 'SGD', 'Lion' …: see bearcat/names.py
RECTIFY = False  # AdaBelief: True scales the first steps down (RAdam)
LR = 2e-3  # learning rate at the start; from the base, with n < 100 pictures, √(n / 100) of it
LABEL_SMOOTHING = 0  # 0 … 1: how much of the target is spread over all classes
WEIGHT_AVERAGE = False  # True: keep a moving average of the weights, and save it where it validates better
COSINE_SCHEDULER = False  # True: LR rises at once and falls along a cosine to nothing at EPOCHS, for a fixed time
LR_PATIENCE = (
    2  # without COSINE_SCHEDULER: halve the learning rate after so many epochs without a smaller validation loss
)
EARLY_PATIENCE = 8  # stop after so many epochs without a smaller validation loss
MIN_EPOCH_STEPS = 50  # a small data set is repeated until an epoch has so many steps
KEEP_CHECKPOINTS = 5  # the newest so many stay, and the best one; 0 keeps all
DETERMINISTIC = False  # True: the same SEED, data and machine give the same weights
UPDATE_FREQ = "epoch"  # TensorBoard: 'epoch', 'batch' or every so many steps
MODE = "EFFICIENTDET"
EPOCHS = 1
BATCH_SIZE = 8
MIN_EPOCH_STEPS = 4
WEIGHTS = None
IMAGE_HEIGHT = 64
IMAGE_WIDTH = 128
IMAGE_CHANNALS = 3
PHI = -1
