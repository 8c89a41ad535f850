/*
 * Steps of CPython's start that give nothing here, done in a shorter way. Under emulation code that runs once costs its
 * translation, about 5 microseconds for every few instructions, so what counts is how much code runs, not how often.
 *
 * The linker puts each `__wrap_X` in the place of libpython's own X (--wrap, in scripts/runtime/build.py). That is safe
 * as long as the version is the one that was looked at: 3.11.
 */
#include "startup.h"

#if PY_VERSION_HEX >> 16 != 0x030b
#error "these three steps were read in CPython 3.11: read them again"
#endif

#define MODULES_MAX 128

extern const struct _frozen *_PyImport_FrozenBootstrap, *_PyImport_FrozenStdlib;
int _PyStaticCode_InternStrings(PyCodeObject *code);

/*
 * CPython computes prefixes and the search path by a program in Python that looks for some thirty files. main.c has
 * given every one of its results.
 */
PyStatus __wrap__PyConfig_InitPathConfig(PyConfig *config, int compute) {
    if (compute && !config->module_search_paths_set)
        return PyStatus_Error("the search path has to be given");
    return PyStatus_Ok();
}

static int intern_names(PyCodeObject *code) {
    int result = _PyStaticCode_InternStrings(code);
    for (Py_ssize_t i = 0; result == 0 && i < PyTuple_GET_SIZE(code->co_consts); i++) {
        PyObject *constant = PyTuple_GET_ITEM(code->co_consts, i);
        if (PyCode_Check(constant))
            result = intern_names((PyCodeObject *)constant);
    }
    return result;
}

/* CPython has a call written out for each of 775 code objects in the modules that are part of it. */
int __wrap__Py_Deepfreeze_Init(void) {
    const struct _frozen *const tables[] = {_PyImport_FrozenBootstrap, _PyImport_FrozenStdlib};
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
        for (const struct _frozen *module = tables[i]; module->name; module++) {
            PyObject *code = module->get_code ? module->get_code() : NULL;
            int result = code ? intern_names((PyCodeObject *)code) : 0;
            Py_XDECREF(code);
            if (result != 0)
                return result;
        }
    return 0;
}

/* CPython sorts the names of its modules; a sorted table spares it all of the merge sort but the look at it. */
int set_modules(const struct _inittab *more) {
    static struct _inittab all[MODULES_MAX];
    size_t count = 0;
    const struct _inittab *const tables[] = {PyImport_Inittab, more};
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
        for (const struct _inittab *module = tables[i]; module->name; module++) {
            if (count == MODULES_MAX - 1)
                return -1;
            size_t at = count++;
            for (; at > 0 && strcmp(all[at - 1].name, module->name) > 0; at--)
                all[at] = all[at - 1];
            all[at] = *module;
        }
    PyImport_Inittab = all;
    return 0;
}
