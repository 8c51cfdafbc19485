"""Exports a trained model to files for servers and phones.

signatures    the model's functions, by names of inputs and outputs
saved_model   all of them in a SavedModel; also the converters' source
tflite        one TFLite file: conversion
calibration   the pictures and codes that int8 is calibrated with
metadata      metadata of a TFLite file
profiling     the operations of TFLite files, and their time
comparison    compares functions with the Keras model's, for noise of several sizes
checking      compares the TFLite files' pictures with the Keras model's
golden        test pictures for apps
tflite_files  all TFLite files of an export
report        the measurements, as JSON and as a page
onnx          one ONNX file
"""
