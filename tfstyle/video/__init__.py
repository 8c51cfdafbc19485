"""Videos, animations and folders of frames, stylized with a trained model.

conversion   the whole way of a clip, in stages
clips        what a clip and a frame are
decoding     frames and times of video files (PyAV)
encoding     parts of a clip
joining      a file of parts, with the sound
animations   GIF, WebP and folders of numbered pictures
parts        what a stopped run goes on from
stages       threads and bounded queues
flow         the filter that finds motion and cuts
painters     the filter that stylizes frames
consistency  the filter that takes flicker away
"""
