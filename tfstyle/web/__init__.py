"""A page in the browser for the models and the renderer, and one for blind comparisons.

application    addresses of the page, and what they answer; `answers` is what all have in common
protection     who may use them
sessions       uploads and results of one browser
shelf          pictures that can be chosen
settings       what the page asks for, and what pictures say of it
masks          a region that is drawn on the page
messages       the library's messages in the page's words
painter        the model, which paints at once
render_queue   renders, one after the other; `render_worker` is the process that makes them
voting         blind comparisons; `comparison_page` has their addresses
serving        the server
"""
