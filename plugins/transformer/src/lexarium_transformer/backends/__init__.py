"""Other programs that compute an encoder: graphs for onnxruntime and OpenVINO, from the stored weights."""
