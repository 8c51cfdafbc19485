"""Pictures of very many photos, by processes of this machine or of a Ray cluster.

photo_lists   the photos that folders, patterns and lists name
tasks         what is sent to a worker, and what it returns
photo_worker  a model in a process of its own, which paints tasks
dispatching   which worker does what; workers that end, and what ended them
local_pool, ray_pool  workers: processes of this machine, actors of a cluster
manifest      the table of the pictures, which says what is left to do
"""
