"""The language of kernels: a small part of Python, translated to LLVM's."""
