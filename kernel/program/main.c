/*
 * The program around the application: an isolated Python whose modules come from the image alone, running `__main__` of
 * the image's zip. The same code runs on the kernel and as a Linux program.
 */
#include <Python.h>
#include <elf.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <zlib.h>

#include "image.h"
#include "modules.h"
#include "startup.h"
#include "words.h"

#define ON_THE_MACHINE "/app.zip"
#define UNDER_LINUX    "/proc/self/exe"
#define USAGE_ERROR    2

static int complain(const char *sentence) {
    fprintf(stderr, "fata: %s\n", sentence);
    return USAGE_ERROR;
}

static int on_linux(void) {
    struct stat found;
    return stat(ON_THE_MACHINE, &found) != 0;
}

/* Where the zip begins in the file by whose name Python knows it. */
static size_t zip_offset(void) {
    const Elf64_Phdr *segment = (const Elf64_Phdr *)getauxval(AT_PHDR);
    for (size_t n = on_linux() ? getauxval(AT_PHNUM) : 0; n > 0; n--, segment++)
        if (segment->p_type == PT_LOAD && segment->p_vaddr == image.zip_address)
            return segment->p_offset;
    return 0;
}

/* Under Linux the file may end before its segments do; what is beyond its end must not be touched. */
static int file_is_whole(void) {
    const Elf64_Phdr *segment = (const Elf64_Phdr *)getauxval(AT_PHDR);
    struct stat file;
    if (stat(UNDER_LINUX, &file) != 0)
        return 0;
    for (size_t n = getauxval(AT_PHNUM); n > 0; n--, segment++)
        if (segment->p_type == PT_LOAD && segment->p_offset + segment->p_filesz > (uint64_t)file.st_size)
            return 0;
    return 1;
}

/* Say what is wrong with the zip, NULL when it is whole. */
static const char *examine_zip(void) {
    if (image.zip_size == 0)
        return "this runtime carries no application; `fata build` makes an image of one";
    if (on_linux() && !file_is_whole())
        return "the image is truncated: build it again";
    if (crc32_z(0, (const unsigned char *)image.zip_address, image.zip_size) != image.zip_crc)
        return "the image is truncated or damaged: the checksum of its application is wrong";
    return NULL;
}

/* Under Linux nobody has put the image's own words before the given ones yet; the kernel has. NULL with a complaint
 * made. */
static char **add_own_words(int *argc, char **argv) {
    static char line[IMAGE_LINE_MAX + 1];
    static char *words[IMAGE_LINE_MAX / 2 + 1];
    size_t count;
    memcpy(line, (const char *)image.line, IMAGE_LINE_MAX);
    const char *problem = split_line(line, words, IMAGE_LINE_MAX / 2, &count);
    char **all = problem ? NULL : calloc((size_t)*argc + count + 1, sizeof *all);
    if (!all) {
        complain(problem ? "the image's own words cannot be read" : "no memory for the arguments");
        return NULL;
    }
    all[0] = argv[0];
    memcpy(all + 1, words, count * sizeof *all);
    memcpy(all + 1 + count, argv + 1, (size_t)(*argc - 1) * sizeof *all);
    *argc += (int)count;
    return all;
}

static void check(PyStatus status) {
    if (PyStatus_Exception(status))
        Py_ExitStatusException(status);
}

static void start_python(int argc, char **argv, const wchar_t *zip) {
    PyConfig config;
    PyPreConfig before;
    PyPreConfig_InitIsolatedConfig(&before);
    before.utf8_mode = 1;
    check(Py_PreInitialize(&before));
    PyImport_FrozenModules = frozen_modules;
    if (set_modules(extra_modules) != 0)
        Py_FatalError("no room in the table of modules");
    PyConfig_InitIsolatedConfig(&config);
    config.parse_argv = 0;
    config.site_import = 0;
    config.write_bytecode = 0;
    config.buffered_stdio = 0;
    config.install_signal_handlers = 1;
    config.faulthandler = 1;
    config.module_search_paths_set = 1;
    config.pathconfig_warnings = 0;
    check(PyConfig_SetString(&config, &config.program_name, L"fata"));
    check(PyConfig_SetString(&config, &config.executable, L""));
    wchar_t **const places[] = {&config.home,        &config.prefix,           &config.exec_prefix,
                                &config.base_prefix, &config.base_exec_prefix, &config.base_executable};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++)
        check(PyConfig_SetString(&config, places[i], L""));
    check(PyConfig_SetString(&config, &config.platlibdir, L"lib")); /* sysconfig asks for it */
    check(PyConfig_SetString(&config, &config.stdio_encoding, L"utf-8"));
    check(PyConfig_SetString(&config, &config.stdio_errors, L"backslashreplace"));
    check(PyConfig_SetString(&config, &config.filesystem_encoding, L"utf-8"));
    check(PyConfig_SetString(&config, &config.filesystem_errors, L"surrogateescape"));
    check(PyConfig_SetBytesArgv(&config, argc, argv));
    check(PyWideStringList_Append(&config.module_search_paths, zip));
    check(Py_InitializeFromConfig(&config));
    PyConfig_Clear(&config);
}

/* Let frozen packages find in the zip what is not frozen of them: `encodings` is loaded already, the others will look
 * here. */
static void open_packages(const char *zip) {
    PyObject *library = PyUnicode_FromString(zip), *encodings = PyImport_ImportModule("encodings");
    PyObject *path = encodings ? PyObject_GetAttrString(encodings, "__path__") : NULL;
    PyObject *place = PyUnicode_FromFormat("%s/encodings", zip);
    if (!library || !place || !path || PySys_SetObject("_stdlib_dir", library) != 0 || PyList_Append(path, place) != 0)
        Py_FatalError("the search path of frozen packages cannot be set");
    Py_DECREF(library);
    Py_DECREF(encodings);
    Py_DECREF(path);
    Py_DECREF(place);
}

/* Run `__main__` of the zip as Python's own runpy does, without importing it: importlib.util and pkgutil are dear at
 * boot. */
static PyObject *run_main(const char *zip) {
    PyObject *main = PyImport_AddModule("__main__"), *result = NULL;
    PyObject *zipimport = PyImport_ImportModule("zipimport");
    PyObject *loader = zipimport ? PyObject_CallMethod(zipimport, "zipimporter", "s", zip) : NULL;
    PyObject *code = loader ? PyObject_CallMethod(loader, "get_code", "s", "__main__") : NULL;
    PyObject *file = loader ? PyObject_CallMethod(loader, "get_filename", "s", "__main__") : NULL;
    PyObject *globals = main ? PyModule_GetDict(main) : NULL;
    if (code && file && globals && PyDict_SetItemString(globals, "__loader__", loader) == 0 &&
        PyDict_SetItemString(globals, "__file__", file) == 0)
        result = PyEval_EvalCode(code, globals, globals);
    Py_XDECREF(zipimport);
    Py_XDECREF(loader);
    Py_XDECREF(code);
    Py_XDECREF(file);
    return result;
}

/* The traceback module knows source lines inside the zip, which the interpreter's own printing does not look for. */
static void tell_exception(void) {
    PyObject *type, *value, *trace;
    PyErr_Fetch(&type, &value, &trace);
    PyErr_NormalizeException(&type, &value, &trace);
    if (trace)
        PyException_SetTraceback(value, trace);
    int lack =
        PyErr_GivenExceptionMatches(type, PyExc_MemoryError) || PyErr_GivenExceptionMatches(type, PyExc_SystemExit);
    PyObject *hook = PySys_GetObject("excepthook"), *own = PySys_GetObject("__excepthook__");
    PyObject *module = lack || hook != own ? NULL : PyImport_ImportModule("traceback");
    PyObject *told = module ? PyObject_CallMethod(module, "print_exception", "O", value) : NULL;
    PyErr_Clear();
    if (!told) {
        PyErr_Restore(type, value, trace);
        PyErr_Print(); /* for SystemExit: exits with its status */
    }
}

int main(int argc, char **argv) {
    mallopt(M_ARENA_MAX, 1); /* a further arena reserves 64 MiB at once, and here a reservation is memory */
    const char *problem = examine_zip();
    if (problem)
        return complain(problem);
    int bare = !on_linux();
    if (!bare && !(argv = add_own_words(&argc, argv)))
        return USAGE_ERROR;
    start_python(argc, argv, bare ? L"" ON_THE_MACHINE : L"" UNDER_LINUX);
    if (open_archive(bare ? ON_THE_MACHINE : UNDER_LINUX, zip_offset()) != 0)
        Py_FatalError("the application's zip cannot be opened");
    open_packages(bare ? ON_THE_MACHINE : UNDER_LINUX);
    PyObject *result = run_main(bare ? ON_THE_MACHINE : UNDER_LINUX);
    if (!result)
        tell_exception();
    int status = result ? 0 : 1;
    Py_XDECREF(result);
    return Py_FinalizeEx() < 0 ? 120 : status;
}
