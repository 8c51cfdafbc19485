"""From a trained model to files for servers and phones.

signatures    the model's functions, by the names of what goes in and comes out
saved_model   all of them in a SavedModel; also what the converters read
tflite        one TFLite file: conversion
calibration   the pictures and codes that int8 is calibrated with
metadata      what a TFLite file says about itself
profiling     the operations of TFLite files, and their time
checking      the files' pictures beside the Keras model's
golden        pictures for apps to test themselves with
tflite_files  all TFLite files of an export
report        what is known of them, as JSON and as a page
onnx          one ONNX file
"""
