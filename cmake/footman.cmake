# Build rules shared by all modules: one static library per module, one doctest program per module's tests.
find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
find_package(OpenSSL REQUIRED)
if(NOT FOOTMAN_AGENT_ONLY)
  find_package(CLI11 2.1 REQUIRED)
  find_package(benchmark QUIET)
endif()

# ccache makes a fresh clone on a machine that has built before quick: paths are taken relative to the source tree.
find_program(FOOTMAN_CCACHE ccache)
if(FOOTMAN_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${CMAKE_SOURCE_DIR} CCACHE_NOHASHDIR=1
      CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime ${FOOTMAN_CCACHE})
endif()

# "0.1.0+g1234abc" from a clone of this repository, "0.1.0" from an archive. Only base/version.cpp sees it.
set(FOOTMAN_BUILD_VERSION ${PROJECT_VERSION})
find_program(FOOTMAN_GIT git)
if(FOOTMAN_GIT AND EXISTS ${CMAKE_SOURCE_DIR}/.git)
  execute_process(COMMAND ${FOOTMAN_GIT} -C ${CMAKE_SOURCE_DIR} describe --always --match= --abbrev=10
    OUTPUT_VARIABLE revision OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE failed)
  if(NOT failed AND revision)
    string(APPEND FOOTMAN_BUILD_VERSION "+g${revision}")
  endif()
endif()

function(footman_version_source)
  set_source_files_properties(${CMAKE_SOURCE_DIR}/src/base/version.cpp PROPERTIES
    COMPILE_DEFINITIONS FOOTMAN_BUILD_VERSION="${FOOTMAN_BUILD_VERSION}")
endfunction()

add_library(footman_options INTERFACE)
target_compile_options(footman_options INTERFACE -Wall -Wextra -Wshadow -Werror -Wno-missing-field-initializers)
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  target_compile_options(footman_options INTERFACE -Wno-deprecated-declarations)
endif()
if(FOOTMAN_UNITY AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")  # takes files that are compiled together for headers
  target_compile_options(footman_options INTERFACE -Wno-subobject-linkage)
endif()
if(FOOTMAN_FUZZ)  # the libraries too report their coverage to the fuzzer
  target_compile_options(footman_options INTERFACE -fsanitize=fuzzer-no-link)
  target_link_options(footman_options INTERFACE -fsanitize=fuzzer-no-link)
endif()
target_compile_definitions(footman_options INTERFACE
  BOOST_ASIO_NO_DEPRECATED BOOST_ASIO_DISABLE_BOOST_COROUTINE BOOST_ASIO_SEPARATE_COMPILATION
  BOOST_ALL_NO_LIB FOOTMAN_VERSION="${PROJECT_VERSION}"
  FMT_STATIC_THOUSANDS_SEPARATOR=',')  # no text depends on a locale, and the small agent has none
target_include_directories(footman_options INTERFACE ${CMAKE_SOURCE_DIR}/src)
target_link_libraries(footman_options INTERFACE Threads::Threads)
if(FOOTMAN_SANITIZE)
  target_compile_options(footman_options INTERFACE -fsanitize=${FOOTMAN_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  target_link_options(footman_options INTERFACE -fsanitize=${FOOTMAN_SANITIZE})
endif()

# How much is optimised, where that is not as the build's flags have it. Most of the time of a build with sanitizers would
# go into optimising what runs for a moment only.
function(footman_optimisation out kind heavy)
  set(flags)
  if(heavy)
    if(FOOTMAN_SANITIZE)
      set(flags -O1)
    endif()
  elseif(kind STREQUAL test)
    set(flags -O0)
    if(FOOTMAN_SANITIZE MATCHES undefined)
      list(APPEND flags -fno-sanitize=undefined)  # a third of the time again; the modules are looked at
    endif()
  endif()
  set(${out} ${flags} PARENT_SCOPE)
endfunction()

# The headers of libraries, parsed once for each set of flags; those of Asio only for what runs (its objects need Asio to
# link). Not in the dev build: there, and so for clang-tidy, a file must include what it uses.
if(FOOTMAN_PCH)
  # The time stamp of a precompiled header would make ccache miss.
  target_compile_options(footman_options INTERFACE "SHELL:-Xclang -fno-pch-timestamp")
  file(WRITE ${CMAKE_BINARY_DIR}/precompiled.cpp "")
  footman_optimisation(flags_of_tests test OFF)
  foreach(headers pure running)
    foreach(flags "" -O0 -O1 "${flags_of_tests}")
      string(MAKE_C_IDENTIFIER "footman_precompiled_${headers}${flags}" target)
      if(TARGET ${target})
        continue()
      endif()
      add_library(${target} OBJECT EXCLUDE_FROM_ALL ${CMAKE_BINARY_DIR}/precompiled.cpp)
      target_link_libraries(${target} PRIVATE footman_options)
      target_precompile_headers(${target} PRIVATE ${CMAKE_SOURCE_DIR}/cmake/precompiled_${headers}.hpp)
      target_compile_options(${target} PRIVATE ${flags})
    endforeach()
  endforeach()
endif()

function(footman_precompiled target flags)
  if(NOT FOOTMAN_PCH)
    return()
  endif()
  set(headers pure)
  footman_closure(modules "${ARGN}")
  if(runtime IN_LIST modules OR target STREQUAL "footman_runtime")
    set(headers running)
  endif()
  string(MAKE_C_IDENTIFIER "footman_precompiled_${headers}${flags}" precompiled)
  target_precompile_headers(${target} REUSE_FROM ${precompiled})
endfunction()

# Modules and programs are compiled some files at a time: most of what a file includes is parsed once for all of them.
# So a name within one file must be the only one of its kind in the module. Not in the dev build, as above.
function(footman_compile_together target)
  if(FOOTMAN_UNITY)
    set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 8)
  endif()
endfunction()

# What tools/build builds by name: see the Makefile and .ci/run.
foreach(group modules programs end-to-end-tests threaded-tests benchmarks fuzzers)
  add_custom_target(${group})
endforeach()
set(FOOTMAN_BIN ${CMAKE_BINARY_DIR}/bin)

function(footman_link target visibility)
  cmake_parse_arguments(L "" "" "FLAGS;DEPS;LIBS" ${ARGN})
  target_link_libraries(${target} ${visibility} footman_options)
  foreach(dep ${L_DEPS})
    string(REPLACE "/" "_" dep ${dep})
    target_link_libraries(${target} ${visibility} footman_${dep})
  endforeach()
  if(L_LIBS)
    target_link_libraries(${target} ${visibility} ${L_LIBS})
  endif()
  if(NOT visibility STREQUAL "INTERFACE")
    target_compile_options(${target} PRIVATE ${L_FLAGS})
    footman_precompiled(${target} "${L_FLAGS}" ${L_DEPS})
  endif()
endfunction()

# footman_module(NAME SOURCES a.cpp … DEPS base runtime … [LIBS extra libraries] [HEAVY])
# HEAVY: optimised with sanitizers too, as tests spend their time in it (the simulation above all).
function(footman_module name)
  cmake_parse_arguments(M "HEAVY" "" "SOURCES;DEPS;LIBS" ${ARGN})
  footman_optimisation(flags module ${M_HEAVY})
  string(REPLACE "/" "_" target footman_${name})
  if(M_SOURCES)
    add_library(${target} STATIC ${M_SOURCES})
    footman_compile_together(${target})
    add_dependencies(modules ${target})
    set(visibility PUBLIC)
  else()
    add_library(${target} INTERFACE)
    set(visibility INTERFACE)
  endif()
  footman_link(${target} ${visibility} FLAGS ${flags} DEPS ${M_DEPS} LIBS ${M_LIBS})
  # Remembered for footman_agent_program.
  list(TRANSFORM M_SOURCES PREPEND ${CMAKE_CURRENT_SOURCE_DIR}/)
  set_property(GLOBAL PROPERTY FOOTMAN_SOURCES_${name} "${M_SOURCES}")
  set_property(GLOBAL PROPERTY FOOTMAN_DEPS_${name} "${M_DEPS}")
  set_property(GLOBAL PROPERTY FOOTMAN_LIBS_${name} "${M_LIBS}")
endfunction()

# footman_test(NAME SOURCES tests/a_test.cpp … DEPS modules [LIBS …] [TIMEOUT seconds] [THREADED] [END_TO_END] [HEAVY]
# [LONG] [ALONE tests/b_test.cpp …]): one program, one ctest entry. ALONE: files of SOURCES whose helpers are called as those of
# others; they are compiled one by one. THREADED: also run under ThreadSanitizer. END_TO_END: starts real programs (they are
# built first, in build/PRESET/bin); also run with the release build. HEAVY: its own code is optimised as that of heavy
# modules; else it is not, because its checks take long to compile so. LONG: begins before the others. main() comes from
# cmake/doctest_main.cpp.
function(footman_test name)
  cmake_parse_arguments(T "THREADED;END_TO_END;HEAVY;LONG" "TIMEOUT" "SOURCES;DEPS;LIBS;ALONE" ${ARGN})
  add_executable(${name} ${T_SOURCES})
  footman_compile_together(${name})
  if(T_ALONE)
    set_source_files_properties(${T_ALONE} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
  endif()
  footman_optimisation(flags test ${T_HEAVY})
  footman_link(${name} PRIVATE FLAGS ${flags} DEPS ${T_DEPS} LIBS footman_doctest_main ${T_LIBS})
  add_test(NAME ${name} COMMAND ${name})
  footman_test_properties(${name} "${T_TIMEOUT}" "${T_THREADED}" "${T_END_TO_END}")
  if(T_LONG)
    set_tests_properties(${name} PROPERTIES COST 100)  # no processor is to wait for it at the end
  endif()
  if(T_THREADED)
    add_dependencies(threaded-tests ${name})
  endif()
  if(T_END_TO_END)
    add_dependencies(${name} programs)
    add_dependencies(end-to-end-tests ${name})
  endif()
endfunction()

# footman_test_program(NAME MACRO PROGRAM): the test starts that program, whose path it finds in the macro.
function(footman_test_program name macro program)
  add_dependencies(${name} ${program})
  target_compile_definitions(${name} PRIVATE "${macro}=\"$<TARGET_FILE:${program}>\"")
endfunction()

# footman_script_test(NAME COMMAND tests/x.py arguments… [TIMEOUT seconds] [END_TO_END]): a ctest entry for a script.
# The script gets FOOTMAN_BIN (the folder with the programs) in its environment.
function(footman_script_test name)
  cmake_parse_arguments(T "END_TO_END" "TIMEOUT" "COMMAND" ${ARGN})
  add_test(NAME ${name} COMMAND ${T_COMMAND} WORKING_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR})
  footman_test_properties(${name} "${T_TIMEOUT}" OFF "${T_END_TO_END}")
  set_property(TEST ${name} PROPERTY ENVIRONMENT "FOOTMAN_BIN=${FOOTMAN_BIN}")
  if(T_END_TO_END)
    add_dependencies(end-to-end-tests programs)
  endif()
endfunction()

function(footman_test_properties name timeout threaded end_to_end)
  if(NOT timeout)
    set(timeout 300)
  endif()
  set(labels)
  if(threaded)
    list(APPEND labels threaded)
  endif()
  if(end_to_end)
    list(APPEND labels end-to-end)
  endif()
  set_tests_properties(${name} PROPERTIES TIMEOUT ${timeout} LABELS "${labels}")
endfunction()

add_library(footman_doctest_main OBJECT EXCLUDE_FROM_ALL ${CMAKE_SOURCE_DIR}/cmake/doctest_main.cpp)
target_link_libraries(footman_doctest_main PUBLIC footman_options)
target_compile_options(footman_doctest_main PRIVATE -O0)

# footman_fuzz(NAME SOURCE fuzz/x_fuzz.cpp CORPUS fuzz/corpus/x DEPS …)
# With FOOTMAN_FUZZ: a libFuzzer program. Always: the corpus is replayed as a ctest entry.
function(footman_fuzz name)
  cmake_parse_arguments(F "" "SOURCE;CORPUS" "DEPS" ${ARGN})
  add_executable(${name} ${F_SOURCE})
  footman_link(${name} PRIVATE DEPS ${F_DEPS})
  set(corpus ${CMAKE_CURRENT_SOURCE_DIR}/${F_CORPUS})
  add_dependencies(fuzzers ${name})
  if(FOOTMAN_FUZZ)
    target_compile_options(${name} PRIVATE -fsanitize=fuzzer)
    target_link_options(${name} PRIVATE -fsanitize=fuzzer)
    add_test(NAME ${name} COMMAND ${name} -runs=0 ${corpus})
    set_property(GLOBAL APPEND_STRING PROPERTY FOOTMAN_FUZZERS "${name}|$<TARGET_FILE:${name}>|${corpus}\n")
  else()
    target_sources(${name} PRIVATE ${CMAKE_SOURCE_DIR}/cmake/fuzz_replay_main.cpp)
    add_test(NAME ${name} COMMAND ${name} ${corpus})
  endif()
  set_tests_properties(${name} PROPERTIES TIMEOUT 120)
endfunction()

# footman_bench(NAME SOURCES … DEPS … [LIBS …]): a Google Benchmark program, when that library is there.
function(footman_bench name)
  cmake_parse_arguments(B "" "" "SOURCES;DEPS;LIBS" ${ARGN})
  if(NOT benchmark_FOUND)
    return()
  endif()
  add_executable(${name} EXCLUDE_FROM_ALL ${B_SOURCES})
  footman_link(${name} PRIVATE DEPS ${B_DEPS} LIBS benchmark::benchmark ${B_LIBS})
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${FOOTMAN_BIN})
  add_dependencies(benchmarks ${name})
endfunction()

# footman_program(NAME SOURCES … DEPS … [LIBS …] [INSTALL]): a program in build/PRESET/bin.
function(footman_program name)
  cmake_parse_arguments(P "INSTALL" "" "SOURCES;DEPS;LIBS" ${ARGN})
  add_executable(${name} ${P_SOURCES})
  footman_compile_together(${name})
  footman_link(${name} PRIVATE DEPS ${P_DEPS} LIBS ${P_LIBS})
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${FOOTMAN_BIN})
  if(P_INSTALL)
    add_dependencies(programs ${name})
    install(TARGETS ${name} RUNTIME COMPONENT footman)
  endif()
endfunction()

# footman_agent_program(NAME SOURCES … MODULES …): a small, fully static program that runs in any Linux image.
# In the release build the modules (and all they depend on) are compiled a second time with the agent's flags; other
# builds link the ordinary modules dynamically (sanitizers have no static form, and it is quicker to build).
function(footman_agent_program name)
  cmake_parse_arguments(A "" "" "SOURCES;MODULES" ${ARGN})
  if(NOT CMAKE_BUILD_TYPE STREQUAL "Release")
    footman_program(${name} SOURCES ${A_SOURCES} DEPS ${A_MODULES} INSTALL)
    return()
  endif()

  footman_closure(modules "${A_MODULES}")
  set(sources)
  set(libs)
  foreach(module ${modules})
    get_property(part GLOBAL PROPERTY FOOTMAN_SOURCES_${module})
    list(APPEND sources ${part})
    get_property(part GLOBAL PROPERTY FOOTMAN_LIBS_${module})
    list(APPEND libs ${part})
  endforeach()
  footman_static_libraries(statics ${libs})

  footman_version_source()  # properties of a source file hold for one folder only
  add_library(${name}-modules STATIC ${sources})
  footman_compile_together(${name}-modules)
  target_link_libraries(${name}-modules PUBLIC footman_options)
  target_compile_options(${name}-modules PUBLIC ${FOOTMAN_SMALL_FLAGS})
  if(FOOTMAN_PCH)
    target_precompile_headers(${name}-modules PRIVATE ${CMAKE_SOURCE_DIR}/cmake/precompiled_running.hpp)
  endif()
  add_executable(${name} ${A_SOURCES})
  target_link_libraries(${name} PRIVATE ${name}-modules ${statics})
  target_link_options(${name} PRIVATE -static -s LINKER:--gc-sections LINKER:--icf=safe
                      LINKER:-O2)  # joins the ends of texts
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${FOOTMAN_BIN})
  add_dependencies(programs ${name})
  install(TARGETS ${name} RUNTIME COMPONENT footman)

  # For tests of builds with sanitizers, which can have none that is static: of the ordinary modules, which footman-sim
  # has, too, so that it costs little.
  set(ordinary)
  foreach(module ${modules})
    string(REPLACE "/" "_" module footman_${module})
    get_target_property(type ${module} TYPE)
    if(type STREQUAL "STATIC_LIBRARY")
      list(APPEND ordinary $<TARGET_FILE:${module}>)
      list(APPEND needed ${module})
    endif()
  endforeach()
  add_executable(${name}-of-tests EXCLUDE_FROM_ALL ${A_SOURCES})
  target_link_libraries(${name}-of-tests PRIVATE footman_options ${ordinary} ${statics})
  target_link_options(${name}-of-tests PRIVATE -static)
  add_dependencies(${name}-of-tests ${needed})
  set_target_properties(${name}-of-tests PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${FOOTMAN_BIN})
endfunction()
# -O3 of the release flags comes first on the command line: the last -O counts.
set(FOOTMAN_SMALL_FLAGS -Os -ffunction-sections -fdata-sections)

# All modules that the given ones need, themselves first.
function(footman_closure out modules)
  set(seen)
  while(modules)
    list(POP_FRONT modules module)
    if(NOT module IN_LIST seen)
      list(APPEND seen ${module})
      get_property(deps GLOBAL PROPERTY FOOTMAN_DEPS_${module})
      list(APPEND modules ${deps})
    endif()
  endwhile()
  set(${out} ${seen} PARENT_SCOPE)
endfunction()

# The static archives for the libraries that modules name; a library of the project's own (footman_json) is compiled
# again through its sources.
function(footman_static_libraries out)
  set(result)
  set(libs ${ARGN})
  list(REMOVE_DUPLICATES libs)
  foreach(lib ${libs})
    if(lib STREQUAL "OpenSSL::SSL" OR lib STREQUAL "OpenSSL::Crypto")
      list(APPEND archives libssl.a libcrypto.a)
    elseif(TARGET ${lib})
      list(APPEND result ${lib})
    else()
      list(APPEND archives lib${lib}.a)
    endif()
  endforeach()
  list(REMOVE_DUPLICATES archives)
  foreach(archive libssl.a ${archives})
    if(archive IN_LIST archives)
      find_library(FOOTMAN_ARCHIVE_${archive} NAMES ${archive} REQUIRED)
      list(APPEND result ${FOOTMAN_ARCHIVE_${archive}})
    endif()
  endforeach()
  set(${out} ${result} PARENT_SCOPE)
endfunction()
