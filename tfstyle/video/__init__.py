"""Videos, animations and folders of frames, stylized frame by frame.

conversion      the whole way of a clip, in stages
clips           what a clip and a frame are
decoding        frames and times of video files (PyAV)
encoding        parts of a clip
joining         a file of parts, with the sound
animations      GIF, WebP and folders of numbered pictures
live            cameras, and files played like one
preview         the filter that shows frames in a window
parts           what a stopped run goes on from
stages          threads and bounded queues
flow            the filter that finds motion and cuts
painters        the filter that stylizes frames with a trained model
consistency     the filter that takes flicker away
frame_renderer  the filter that renders frames by optimization
"""
