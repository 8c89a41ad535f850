/*
 * The `_hw` module: what a driver written in Python needs of the machine. Under Linux importing it is an ImportError.
 *
 * Addresses cannot be followed at will: a driver asks for a range of registers or firmware tables, or for pages of its
 * own, and gets a memory view; `load` and `store` are checked by it. A view stays valid for ever.
 */
#include <Python.h>
#include <errno.h>
#include <stdbool.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "calls.h"

#define PAGE           4096UL
#define SNAPSHOT_WORDS 12288 /* octets: the longest boot line, and the devices that it named */

static PyObject *view_of(unsigned long address, Py_ssize_t size, int flags) {
    return PyMemoryView_FromMemory((char *)address, size, flags);
}

PyDoc_STRVAR(map_doc, "map(address, octets, writable=True) -> memoryview\n\n"
                      "Registers of a device, or a firmware table. OSError (EACCES) for memory in use.");

static PyObject *hw_map(PyObject *self, PyObject *args) {
    unsigned long address;
    Py_ssize_t size;
    int writable = 1;
    if (!PyArg_ParseTuple(args, "kn|p", &address, &size, &writable))
        return NULL;
    if (syscall(CALL_MAP, address, size, writable) != 0)
        return PyErr_SetFromErrno(PyExc_OSError);
    return view_of(address, size, writable ? PyBUF_WRITE : PyBUF_READ);
}

PyDoc_STRVAR(dma_doc,
             "dma(pages) -> (address, memoryview)\n\n"
             "Zeroed pages of 4096 octets, side by side, below 4 GiB; they are never given back. MemoryError.");

static PyObject *hw_dma(PyObject *self, PyObject *args) {
    unsigned long pages;
    if (!PyArg_ParseTuple(args, "k", &pages))
        return NULL;
    long address = syscall(CALL_DMA, pages);
    if (address < 0)
        return PyErr_NoMemory();
    return Py_BuildValue("lN", address, view_of((unsigned long)address, (Py_ssize_t)(pages * PAGE), PyBUF_WRITE));
}

/* Check that `width` octets at `offset` lie in the view, and are aligned: a register is read and written whole. */
static void *place(Py_buffer *view, Py_ssize_t offset, int width) {
    bool known = width == 1 || width == 2 || width == 4 || width == 8;
    if (known && offset >= 0 && offset <= view->len - width &&
        ((size_t)view->buf + (size_t)offset) % (size_t)width == 0)
        return (char *)view->buf + offset;
    PyErr_Format(PyExc_ValueError, "no %d octets at offset %zd of %zd", width, offset, view->len);
    return NULL;
}

PyDoc_STRVAR(load_doc, "load(view, offset, width) -> int\n\nOne read of 1, 2, 4 or 8 octets.");

static PyObject *hw_load(PyObject *self, PyObject *args) {
    Py_buffer view;
    Py_ssize_t offset;
    int width;
    if (!PyArg_ParseTuple(args, "y*ni", &view, &offset, &width))
        return NULL;
    volatile void *at = place(&view, offset, width);
    unsigned long value = 0;
    if (at)
        value = width == 1   ? *(volatile uint8_t *)at
                : width == 2 ? *(volatile uint16_t *)at
                : width == 4 ? *(volatile uint32_t *)at
                             : *(volatile uint64_t *)at;
    PyBuffer_Release(&view);
    return at ? PyLong_FromUnsignedLong(value) : NULL;
}

PyDoc_STRVAR(store_doc, "store(view, offset, width, value)\n\nOne write of 1, 2, 4 or 8 octets.");

static PyObject *hw_store(PyObject *self, PyObject *args) {
    Py_buffer view;
    Py_ssize_t offset;
    int width;
    unsigned long value;
    if (!PyArg_ParseTuple(args, "w*nik", &view, &offset, &width, &value))
        return NULL;
    volatile void *at = place(&view, offset, width);
    if (at && width == 1)
        *(volatile uint8_t *)at = (uint8_t)value;
    else if (at && width == 2)
        *(volatile uint16_t *)at = (uint16_t)value;
    else if (at && width == 4)
        *(volatile uint32_t *)at = (uint32_t)value;
    else if (at)
        *(volatile uint64_t *)at = value;
    PyBuffer_Release(&view);
    return at ? Py_NewRef(Py_None) : NULL;
}

PyDoc_STRVAR(port_in_doc, "port_in(port, width) -> int\n\nRead 1, 2 or 4 octets from an I/O port.");

static PyObject *hw_port_in(PyObject *self, PyObject *args) {
    unsigned short port;
    int width;
    unsigned int value = 0;
    if (!PyArg_ParseTuple(args, "Hi", &port, &width))
        return NULL;
    if (width == 1)
        __asm__ volatile("inb %w1, %b0" : "+a"(value) : "Nd"(port));
    else if (width == 2)
        __asm__ volatile("inw %w1, %w0" : "+a"(value) : "Nd"(port));
    else if (width == 4)
        __asm__ volatile("inl %w1, %0" : "+a"(value) : "Nd"(port));
    else
        return PyErr_Format(PyExc_ValueError, "a port is 1, 2 or 4 octets wide, not %d", width);
    return PyLong_FromUnsignedLong(value);
}

PyDoc_STRVAR(port_out_doc, "port_out(port, width, value)\n\nWrite 1, 2 or 4 octets to an I/O port.");

static PyObject *hw_port_out(PyObject *self, PyObject *args) {
    unsigned short port;
    int width;
    unsigned int value;
    if (!PyArg_ParseTuple(args, "HiI", &port, &width, &value))
        return NULL;
    if (width == 1)
        __asm__ volatile("outb %b0, %w1" : : "a"(value), "Nd"(port));
    else if (width == 2)
        __asm__ volatile("outw %w0, %w1" : : "a"(value), "Nd"(port));
    else if (width == 4)
        __asm__ volatile("outl %0, %w1" : : "a"(value), "Nd"(port));
    else
        return PyErr_Format(PyExc_ValueError, "a port is 1, 2 or 4 octets wide, not %d", width);
    Py_RETURN_NONE;
}

PyDoc_STRVAR(
    wait_doc,
    "wait(deadline) -> int\n\n"
    "Sleep until something happens or the deadline (ns, time.monotonic_ns) passes; a set of events, one bit each:\n"
    "n for vector FIRST_VECTOR + n, CONSOLE, WAKE. 0 at the deadline and after a signal.");

static PyObject *hw_wait(PyObject *self, PyObject *args) {
    unsigned long deadline;
    long events;
    if (!PyArg_ParseTuple(args, "k", &deadline))
        return NULL;
    Py_BEGIN_ALLOW_THREADS errno = 0;
    events = syscall(CALL_WAIT, deadline);
    Py_END_ALLOW_THREADS if (events == -1 && errno == EINTR) {
        if (PyErr_CheckSignals() != 0)
            return NULL;
        events = 0;
    }
    return PyLong_FromUnsignedLong((unsigned long)events);
}

PyDoc_STRVAR(wake_doc, "wake()\n\nRaise the event WAKE, from any thread.");

static PyObject *hw_wake(PyObject *self, PyObject *Py_UNUSED(none)) {
    syscall(CALL_WAKE);
    Py_RETURN_NONE;
}

PyDoc_STRVAR(barrier_doc, "barrier()\n\nLet no later load pass an earlier store.");

static PyObject *hw_barrier(PyObject *self, PyObject *Py_UNUSED(none)) {
    __sync_synchronize();
    Py_RETURN_NONE;
}

PyDoc_STRVAR(address_doc,
             "address(buffer) -> int\n\nWhere a buffer lies, for a device; the caller keeps the buffer alive.");

static PyObject *hw_address(PyObject *self, PyObject *args) {
    Py_buffer view;
    if (!PyArg_ParseTuple(args, "y*", &view))
        return NULL;
    unsigned long address = (unsigned long)view.buf;
    PyBuffer_Release(&view);
    return PyLong_FromUnsignedLong(address);
}

PyDoc_STRVAR(machine_doc, "machine() -> dict\n\nWhat the kernel knows of the machine and of itself; see calls.h.");

static PyObject *hw_machine(PyObject *self, PyObject *Py_UNUSED(none)) {
    struct machine m;
    if (syscall(CALL_MACHINE, &m) != 0)
        return PyErr_SetFromErrno(PyExc_OSError);
    return Py_BuildValue("{sk sN sk sk sk sk sk sk}", "rsdp", m.rsdp, "wall_set", PyBool_FromLong((long)m.wall_set),
                         "pages_total", m.pages_total, "pages_free", m.pages_free, "tsc_hz", m.tsc_hz, "first_print",
                         m.first_print, "switches", m.switches, "interrupts", m.interrupts);
}

PyDoc_STRVAR(
    snapshot_doc,
    "snapshot(draws) -> bytes\n\n"
    "Keep the machine's memory as it is, if the boot line asked for that, and switch the machine off. In every\n"
    "start from what was kept this call then returns the words of the program, each with a NUL, an empty one,\n"
    "and the environment likewise. b\"\" where nobody asked. `draws` is how often random octets may have been\n"
    "drawn until now.");

static PyObject *hw_snapshot(PyObject *self, PyObject *args) {
    static char words[SNAPSHOT_WORDS];
    unsigned long draws;
    if (!PyArg_ParseTuple(args, "k", &draws))
        return NULL;
    long size = syscall(CALL_SNAPSHOT, words, sizeof words, draws);
    return size < 0 ? PyErr_SetFromErrno(PyExc_OSError) : PyBytes_FromStringAndSize(words, size);
}

PyDoc_STRVAR(crash_doc, "crash()\n\nA fault inside the kernel, to see how it is reported.");

static PyObject *hw_crash(PyObject *self, PyObject *Py_UNUSED(none)) {
    syscall(CALL_CRASH);
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {{"map", hw_map, METH_VARARGS, map_doc},
                                {"dma", hw_dma, METH_VARARGS, dma_doc},
                                {"load", hw_load, METH_VARARGS, load_doc},
                                {"store", hw_store, METH_VARARGS, store_doc},
                                {"port_in", hw_port_in, METH_VARARGS, port_in_doc},
                                {"port_out", hw_port_out, METH_VARARGS, port_out_doc},
                                {"wait", hw_wait, METH_VARARGS, wait_doc},
                                {"wake", hw_wake, METH_NOARGS, wake_doc},
                                {"barrier", hw_barrier, METH_NOARGS, barrier_doc},
                                {"address", hw_address, METH_VARARGS, address_doc},
                                {"machine", hw_machine, METH_NOARGS, machine_doc},
                                {"snapshot", hw_snapshot, METH_VARARGS, snapshot_doc},
                                {"crash", hw_crash, METH_NOARGS, crash_doc},
                                {NULL}};

static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, "_hw", "The machine, for drivers.", 0, methods};

PyMODINIT_FUNC PyInit__hw(void) {
    struct machine machine;
    if (syscall(CALL_MACHINE, &machine) != 0)
        return PyErr_Format(PyExc_ImportError, "no hardware here: this is an ordinary process");
    PyObject *module = PyModule_Create(&definition);
    if (!module || PyModule_AddIntConstant(module, "FIRST_VECTOR", FIRST_VECTOR) < 0 ||
        PyModule_AddIntConstant(module, "DEVICE_EVENTS", DEVICE_EVENTS) < 0 ||
        PyModule_AddObject(module, "CONSOLE", PyLong_FromUnsignedLong(EVENT_CONSOLE)) < 0 ||
        PyModule_AddObject(module, "WAKE", PyLong_FromUnsignedLong(EVENT_WAKE)) < 0)
        return NULL;
    return module;
}
