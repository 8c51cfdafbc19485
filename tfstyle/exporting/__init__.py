"""From a trained model to files for servers and phones.

signatures     the model's functions, by the names of what goes in and comes out
saved_model    all of them in a SavedModel; also what the converters read
tflite         one TFLite file: conversion, calibration
equalization   a model made ready for int8
metadata       what a TFLite file says about itself
litert         TFLite files as LiteRT runs them: their operations, their time
checking       the files' pictures beside the Keras model's
golden         pictures for apps to test themselves with
writing        all TFLite files of an export
report         what is known of them, as JSON and as a page
onnx           one ONNX file
"""
