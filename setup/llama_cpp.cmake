# Builds only what the Python package loads: libllama and ggml, about a third of the whole.
#
# llama-cpp-python 0.3.36 turns llama.cpp's "common" helpers on with `set(... CACHE BOOL ... FORCE)`, so an argument
# cannot turn them off. CMake reads this file right after `project(llama_cpp)` (CMAKE_PROJECT_llama_cpp_INCLUDE), and a
# plain variable set here hides the cache entry (policy CMP0126, in force from CMake 3.21, which that project requires).
set(LLAMA_BUILD_COMMON OFF)
set(LLAMA_BUILD_TESTS OFF)
set(LLAMA_BUILD_EXAMPLES OFF)
set(LLAMA_BUILD_TOOLS OFF)
set(LLAMA_BUILD_SERVER OFF)
# Another program's warnings are not ours to read, and looking for them takes a fifth of the time.
set(LLAMA_ALL_WARNINGS OFF)
