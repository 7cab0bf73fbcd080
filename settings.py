"""All settings with their defaults.

New_work.py copies this file into a work. The values in the work's copy override those in this one, and
`--set NAME=VALUE` on a command line overrides both. Values are plain Python literals: numbers, strings, True, False,
None, lists.
"""

# --- What is recognised ---------------------------------------------------------------------------
MODE = "ORDINARY"  # Text: 'ORDINARY', 'CTC', 'CTC_TINY'; one class per image: 'NUM_CLASSES'; boxes: 'EFFICIENTDET'
BACKBONE = "auto"  # Feature extractor, a name in bearcat/networks/registry.py; 'auto' fits weights and device
CAPTCHA_LENGTH = 8  # ORDINARY, CTC_TINY: length of the longest label; shorter ones are padded
PHI = "auto"  # EFFICIENTDET: 0 … 7 for D0 … D7, -1 for the light network; 'auto': -1 on a CPU, 0 on a GPU
IMAGE_SIZES = [512, 640, 768, 896, 1024, 1280, 1408, 1536]  # EFFICIENTDET: input sizes of D0 … D7 in pixels
MODEL_NAME = "captcha"  # Name that the trained model is saved and served under

# --- Input of the network (python cheak_file.py --apply sets it from the data) --------------------
IMAGE_HEIGHT = 60  # Height of the network's input in pixels; larger images are shrunk, smaller ones get white margins
IMAGE_WIDTH = 100  # Width of the network's input in pixels
IMAGE_CHANNALS = 1  # Channels of the network's input: 1 for grey, 3 for colour
FRAMES = "first"  # Animated images: 'first' or 'last' frame; 'darkest', 'lightest', 'median' of all; 'spread'
LAYOUT = "line"  # Text: one 'line'; 'two_lines', one above the other; 'vertical', a column of upright characters

# --- Data -----------------------------------------------------------------------------------------
IGNORE_CASE = False  # Text: the site ignores case, so labels are folded to lower case
DIVIDE = True  # move_path.py: split off validation and test images; False: only test images
DIVIDE_RATO = 0.1  # move_path.py: fraction of the images that goes into each of these
AUGMENT = True  # Online augmentation: small random rotations, shifts, changes of contrast and brightness
MOSAIC = False  # EFFICIENTDET: mosaic augmentation, which combines four images into one
DATA_ENHANCEMENT = False  # Offline augmentation: number of augmented copies of each training image to pack; or False
PACK_FOLDER = None  # Folder or URL of the packs, such as 'gs://bucket/packs'; None: in the work
SEED = 0  # Seed of everything random

# --- Training -------------------------------------------------------------------------------------
USE_GPU = True  # False hides the GPU
STRATEGY = "auto"  # 'single', 'mirrored' (several GPUs), 'multi_worker' (TF_CONFIG); 'auto' uses what is available
WEIGHTS = "pretrained"  # Start from 'pretrained' weights (text) or 'imagenet' ones (photographs); None: random ones
SELF_TRAIN = True  # Use the images of unlabelled_dataset, if there are any, for self-training
TRAIN_SECONDS = 0  # Duration of the training, with a cosine schedule; 0: until EARLY_PATIENCE ends it
EPOCHS = 200  # Maximum number of epochs; EARLY_PATIENCE usually stops the training before
BATCH_SIZE = 32  # Images per step and replica (a GPU, or a worker without one)
PRECISION = "auto"  # 'float32', 'bfloat16' or 'float16'; 'auto' takes the fastest on this device
OPTIMIZER = "AdamW"  # 'AdaBelief', 'Adam', 'SGD', 'Lion' …: a name in bearcat/networks/registry.py
RECTIFY = False  # AdaBelief: rectify the variance of the first steps, as RAdam does
LR = 2e-3  # Initial learning rate
LABEL_SMOOTHING = 0  # Probability that is spread over all classes, 0 to below 1
WEIGHT_AVERAGE = False  # Keep a moving average of the weights; it is what an epoch saves if it validates better
COSINE_SCHEDULER = False  # Cosine schedule of the learning rate over EPOCHS, in place of LR_PATIENCE
LR_PATIENCE = 2  # Epochs without a lower validation loss after which the learning rate is halved
EARLY_PATIENCE = 8  # Epochs without a lower validation loss after which the training stops
MIN_EPOCH_STEPS = 50  # Minimum steps per epoch: a small data set is repeated
KEEP_CHECKPOINTS = 5  # Number of newest checkpoints to keep, besides the best one; 0 keeps all
DETERMINISTIC = False  # The same SEED, data and machine give the same weights
UPDATE_FREQ = "epoch"  # TensorBoard: 'epoch', 'batch' or a number of steps

# --- Saving ---------------------------------------------------------------------------------------
QUANTIZE = "auto"  # Serve the model as int8: 'auto' if it is as right as in float; True: or fail; False: in float
