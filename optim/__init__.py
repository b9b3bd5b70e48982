"""The Paretoscope engine. Importing it costs nothing: no torch, no onnx, no Streamlit."""

__version__ = "0.1.0"
