"""The test files that take longest: `make test` begins with them, `make test-fast` leaves them out.

A file belongs here if it takes more than five seconds of a processor, or imports TensorFlow, which alone takes as long.
"""

import os

import psutil

BYTES_PER_PROCESS = 3 * 2**30  # TensorFlow in a process of xdist, in its fork server, and in what a test starts
# longest first, so that no process of xdist ends long after the others
SLOW_FILES = """
training/test_distribution.py
test_doc_commands.py
networks/test_backbones.py
pipeline/test_text_modes.py
test_pretraining.py
pipeline/test_further_modes.py
pipeline/test_imagenet.py
artifacts/test_earlier_files.py
pipeline/test_boxes.py
test_notebook.py
training/test_callbacks.py
benchmarks/test_peers.py
artifacts/export/test_publish.py
core/test_telemetry.py
pipeline/test_through.py
labelling/background/test_training.py
pipeline/test_strength.py
pipeline/test_sweep.py
test_readme.py
networks/test_optimizers.py
networks/test_backbones_mobile.py
detection/test_network.py
networks/test_backbones_resnet.py
pipeline/test_refusals.py
pipeline/test_app.py
pipeline/test_cases_colour.py
serving/test_server.py
serving/test_middleware.py
networks/test_other_keras_backends.py
artifacts/export/test_litert.py
reports/dataset/test_checks.py
examples/test_clients.py
serving/protection/test_connections.py
serving/protection/test_model_check.py
test_architecture.py
test_slow_files.py
reports/test_plots.py
strength/test_page.py
labelling/test_start.py
labelling/blind/test_start.py
serving/page/test_mount.py
serving/page/test_browser.py
labelling/test_grid_browser.py
labelling/test_browser.py
labelling/blind/test_browser.py
labelling/boxes/test_browser.py
labelling/boxes/test_copies.py
benchmarks/test_fuzz.py
benchmarks/test_soak.py
serving/test_stopping.py
serving/test_endless_predictions.py
serving/test_workers.py
benchmarks/test_warm_runner.py
core/test_devices.py
core/test_locks.py
generation/test_shards.py
faults/test_models.py
artifacts/test_weight_interpolation.py
artifacts/test_weight_transfer.py
artifacts/test_letter_case.py
artifacts/test_imagenet.py
pipeline/test_ignore_case.py
artifacts/test_calibration.py
pipeline/test_cases_names.py
pipeline/test_cases_labels.py
pipeline/test_cases_images.py
pipeline/test_cases_tables.py
pipeline/test_cases_boxes.py
pipeline/test_move_path.py
pipeline/test_packing.py
pipeline/test_unlabelled.py
pipeline/test_properties.py
pipeline/test_real_data.py
pipeline/test_spider_example.py
artifacts/export/test_quantization.py
pipeline/test_deterministic.py
faults/test_kills.py
faults/test_data.py
artifacts/test_card.py
artifacts/test_colour_mix.py
artifacts/test_inference.py
benchmarks/test_feeding.py
data/test_packing.py
data/test_tfrecords.py
detection/test_augmentation.py
detection/test_exact_match.py
detection/test_losses.py
generation/test_generate.py
networks/test_layers.py
networks/test_losses.py
networks/test_metrics.py
networks/test_registry.py
serving/page/test_gradio_patches.py
pretraining/test_network.py
pretraining/test_progress.py
pretraining/test_training.py
test_models.py
training/test_box_pipeline.py
training/learning_curve/test_power_law.py
training/learning_curve/test_trainings.py
pipeline/test_self_training.py
training/self_training/test_teacher.py
training/test_sanity_check.py
training/test_starting_weights.py
training/test_tensorboard.py
training/test_text_pipeline.py
""".split()


def count_processes() -> int:
    """Returns how many processes run the tests: one more than there are cores, since tests also wait."""
    fitting = psutil.virtual_memory().available // BYTES_PER_PROCESS
    return int(max(1, min((os.cpu_count() or 1) + 1, fitting)))
