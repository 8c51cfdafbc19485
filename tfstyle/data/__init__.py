"""Training pictures: where they are, how a crop is made of one, and batches of crops.

    sources.open_source(folder)         → a Source: names, and bytes by index; bad files are skipped
    crops.Crops(source, …)[k]           → the k-th crop, (crop_size, crop_size, 3) uint8
    motions.Motions(size, seed)[k]      → a random motion of a crop, and noise
    batches.batches(content, style, …)  → tf.data.Dataset of {"content", "style"} uint8 batches

The k-th crop, or motion, is a pure function of the files, the seed and k, and a batch one of the
step: a resumed run, or one on other devices, sees the same pictures.
"""
