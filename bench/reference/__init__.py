"""The plain way: the same models through onnxruntime and OpenCV, each analyser opening the file for itself.

Used for two things: as the peer that `make bench-analyse` measures beside weir (`python -m reference.peer ANALYSER FILE`), and to write
the answers that tests/it/parity.rs compares weir's with (`python -m reference.write`). One file for each family of analysers. Pictures are RGB
arrays of bytes; boxes are [x, y, width, height] in the picture's pixels; sound is 16 kHz, mono, between -1 and 1.
"""
