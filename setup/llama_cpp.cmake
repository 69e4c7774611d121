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
# ggml's AMX kernels end a thread whose tiles are not set up with an illegal instruction (seen with 0.3.36 and OpenMP on a
# Sapphire Rapids machine), and a small model gains nothing by them. A -mno counts before what -march=native turns on.
include(CheckCXXCompilerFlag)
check_cxx_compiler_flag(-mno-amx-tile RAG_COMPILER_KNOWS_AMX)
if(RAG_COMPILER_KNOWS_AMX)
  add_compile_options(-mno-amx-tile -mno-amx-int8 -mno-amx-bf16)
endif()
