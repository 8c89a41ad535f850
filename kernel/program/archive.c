/*
 * The application's zip, read where it lies in memory. Python's zipimport reads each entry of the directory by forty
 * lines of Python, and opens, seeks and reads the file anew for every module: half of what an import costs under
 * emulation. Whatever is unusual (compressed, a name in an old code page, numbers that do not fit) is left to zipimport
 * itself, which knows what to say.
 */
#include "startup.h"
#include "image.h"

#define LOCAL      0x04034b50U /* signatures, and the sizes of what they begin */
#define ENTRY      0x02014b50U
#define END        0x06054b50U
#define LOCAL_SIZE 30
#define ENTRY_SIZE 46
#define END_SIZE   22
#define NAME_UTF8  0x800 /* a flag: else only ASCII means the same to everyone */

static PyObject *zip_path;                  /* as zipimport calls the file */
static PyObject *read_slowly, *list_slowly; /* zipimport's own functions */
static size_t zip_offset;                   /* in that file */

static const unsigned char *zip(void) { return (const unsigned char *)image.zip_address; }
static unsigned read16(const unsigned char *at) { return at[0] | (unsigned)at[1] << 8; }
static unsigned long read32(const unsigned char *at) { return read16(at) | (unsigned long)read16(at + 2) << 16; }

/* Add the entry at `at` to zipimport's table: path, method, two sizes, offset in the file, time, date, checksum. */
static int add_entry(PyObject *files, const unsigned char *at) {
    const char *text = (const char *)at + ENTRY_SIZE;
    PyObject *name = PyUnicode_DecodeUTF8(text, (Py_ssize_t)read16(at + 28), NULL);
    PyObject *path = name ? PyUnicode_FromFormat("%U/%U", zip_path, name) : NULL;
    PyObject *entry =
        path ? Py_BuildValue("(NIkkkIIk)", path, read16(at + 10), read32(at + 20), read32(at + 24),
                             read32(at + 42) + zip_offset, read16(at + 12), read16(at + 14), read32(at + 16))
             : NULL;
    int result = entry ? PyDict_SetItem(files, name, entry) : -1;
    Py_XDECREF(name);
    Py_XDECREF(entry);
    return result;
}

static int is_usual(const unsigned char *at) {
    int ascii = 1;
    for (unsigned i = 0; i < read16(at + 28); i++)
        ascii = ascii && at[ENTRY_SIZE + i] < 0x80;
    return ascii || read16(at + 8) & NAME_UTF8;
}

/* Return zipimport's table of the zip; NULL, without an exception, when its form is unusual. */
static PyObject *read_directory(void) {
    const unsigned char *end = zip() + image.zip_size - END_SIZE;
    if (image.zip_size < END_SIZE || read32(end) != END ||
        read32(end + 12) + read32(end + 16) + END_SIZE != image.zip_size)
        return NULL;
    PyObject *files = PyDict_New();
    const unsigned char *at = end - read32(end + 12);
    while (files && at < end) {
        size_t left = (size_t)(end - at), size = ENTRY_SIZE;
        if (left >= ENTRY_SIZE)
            size += read16(at + 28) + read16(at + 30) + read16(at + 32);
        if (left < size || read32(at) != ENTRY || !is_usual(at) || add_entry(files, at) != 0)
            Py_CLEAR(files);
        at += size;
    }
    return files;
}

/* Say where a member's octets lie that is stored as it is; NULL for any other. */
static const char *stored(PyObject *entry, size_t *size) {
    if (!PyTuple_Check(entry) || PyTuple_GET_SIZE(entry) != 8 || PyLong_AsLong(PyTuple_GET_ITEM(entry, 1)) != 0)
        return NULL;
    *size = PyLong_AsSize_t(PyTuple_GET_ITEM(entry, 2));
    size_t at = PyLong_AsSize_t(PyTuple_GET_ITEM(entry, 4)) - zip_offset;
    if (at > image.zip_size || image.zip_size - at < LOCAL_SIZE || read32(zip() + at) != LOCAL)
        return NULL;
    at += LOCAL_SIZE + read16(zip() + at + 26) + read16(zip() + at + 28);
    if (at > image.zip_size || image.zip_size - at < *size)
        return NULL;
    return (const char *)zip() + at;
}

static int is_ours(PyObject *path) { return PyUnicode_Check(path) && PyUnicode_Compare(path, zip_path) == 0; }

/* In the place of zipimport's function of this name, with its arguments: the zip's path, an entry of the table. */
static PyObject *get_data(PyObject *self, PyObject *const *arguments, Py_ssize_t count) {
    (void)self;
    size_t size;
    const char *data = count == 2 && is_ours(arguments[0]) ? stored(arguments[1], &size) : NULL;
    if (data)
        return PyBytes_FromStringAndSize(data, (Py_ssize_t)size);
    PyErr_Clear();
    return PyObject_Vectorcall(read_slowly, arguments, (size_t)count, NULL);
}

/* With the same arguments: a read-only view of the octets where they lie, for files that are too large to be copied. */
static PyObject *view(PyObject *self, PyObject *const *arguments, Py_ssize_t count) {
    size_t size;
    const char *data = count == 2 && is_ours(arguments[0]) ? stored(arguments[1], &size) : NULL;
    if (data)
        return PyMemoryView_FromMemory((char *)data, (Py_ssize_t)size, PyBUF_READ);
    PyObject *copy = get_data(self, arguments, count);
    PyObject *result = copy ? PyMemoryView_FromObject(copy) : NULL;
    Py_XDECREF(copy);
    return result;
}

/* In the place of zipimport's function of this name: importlib.invalidate_caches() calls it for every zip. */
static PyObject *get_directory(PyObject *self, PyObject *path) {
    (void)self;
    PyObject *files = is_ours(path) ? read_directory() : NULL;
    if (files)
        return files;
    PyErr_Clear();
    return PyObject_CallOneArg(list_slowly, path);
}

int open_archive(const char *path, size_t offset) {
    static PyMethodDef method = {"_get_data", (PyCFunction)(void (*)(void))get_data, METH_FASTCALL, NULL};
    static PyMethodDef viewer = {"_view", (PyCFunction)(void (*)(void))view, METH_FASTCALL, NULL};
    static PyMethodDef lister = {"_read_directory", get_directory, METH_O, NULL};
    zip_path = PyUnicode_InternFromString(path);
    zip_offset = offset;
    PyObject *zipimport = PyImport_ImportModule("zipimport");
    PyObject *known = zipimport ? PyObject_GetAttrString(zipimport, "_zip_directory_cache") : NULL;
    read_slowly = zipimport ? PyObject_GetAttrString(zipimport, "_get_data") : NULL;
    list_slowly = zipimport ? PyObject_GetAttrString(zipimport, "_read_directory") : NULL;
    PyObject *files = zip_path ? read_directory() : NULL, *quickly = PyCFunction_New(&method, NULL);
    PyErr_Clear();
    PyObject *listed = PyCFunction_New(&lister, NULL), *viewed = PyCFunction_New(&viewer, NULL);
    int result = known && read_slowly && quickly ? PyObject_SetAttrString(zipimport, "_get_data", quickly) : -1;
    if (result == 0)
        result = list_slowly && listed ? PyObject_SetAttrString(zipimport, "_read_directory", listed) : -1;
    if (result == 0)
        result = viewed ? PyObject_SetAttrString(zipimport, "_view", viewed) : -1;
    if (result == 0 && files)
        result = PyDict_SetItem(known, zip_path, files);
    Py_XDECREF(zipimport);
    Py_XDECREF(known);
    Py_XDECREF(files);
    Py_XDECREF(quickly);
    Py_XDECREF(listed);
    Py_XDECREF(viewed);
    return result;
}
