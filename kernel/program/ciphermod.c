/*
 * The `_cipher` module: the ciphers that Python's ssl module does not expose, over libcrypto. One function for each
 * direction; the name says key size and mode. A tag that does not fit is a ValueError, and no octet of the text is
 * given out.
 */
#include <Python.h>
#include <openssl/evp.h>

#define TAG 16 /* octets */

struct kind {
    const char *name;
    int key, iv; /* octets */
    int sealed;  /* authenticated: has associated data and a tag */
    const EVP_CIPHER *(*cipher)(void);
};

static const struct kind kinds[] = {
    {"aes-128-xts", 32, 16, 0, EVP_aes_128_xts},
    {"aes-256-xts", 64, 16, 0, EVP_aes_256_xts},
    {"aes-128-gcm", 16, 12, 1, EVP_aes_128_gcm},
    {"aes-256-gcm", 32, 12, 1, EVP_aes_256_gcm},
    {"chacha20-poly1305", 32, 12, 1, EVP_chacha20_poly1305},
};

static const struct kind *find(const char *name, Py_ssize_t key, Py_ssize_t iv) {
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (strcmp(kinds[i].name, name) != 0)
            continue;
        if (key == kinds[i].key && iv == kinds[i].iv)
            return &kinds[i];
        PyErr_Format(PyExc_ValueError, "%s takes a key of %d and an iv of %d octets, not %zd and %zd", name,
                     kinds[i].key, kinds[i].iv, key, iv);
        return NULL;
    }
    PyErr_Format(PyExc_ValueError, "no cipher %s", name);
    return NULL;
}

/* Run the cipher over `in` into `out`; with a tag: written when encrypting, checked when decrypting. 1 when all is
 * well. */
static int transform(const struct kind *kind, int encrypt, const Py_buffer *key, const Py_buffer *iv,
                     const Py_buffer *data, Py_ssize_t size, const Py_buffer *associated, unsigned char *out,
                     unsigned char *tag) {
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    int done, good = context && EVP_CipherInit_ex(context, kind->cipher(), NULL, key->buf, iv->buf, encrypt);
    if (good && kind->sealed && !encrypt)
        good = EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, TAG, tag);
    if (good && associated->len)
        good = EVP_CipherUpdate(context, NULL, &done, associated->buf, (int)associated->len);
    if (good && size)
        good = EVP_CipherUpdate(context, out, &done, data->buf, (int)size);
    if (good && (size || kind->sealed))
        good = EVP_CipherFinal_ex(context, out + size, &done);
    if (good && kind->sealed && encrypt)
        good = EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, TAG, tag);
    EVP_CIPHER_CTX_free(context);
    return good;
}

static PyObject *run(const struct kind *kind, int encrypt, Py_buffer *key, Py_buffer *iv, Py_buffer *data,
                     Py_buffer *associated) {
    Py_ssize_t tag = kind->sealed ? TAG : 0, size = encrypt ? data->len : data->len - tag;
    if (size < 0 || data->len > INT_MAX - TAG || associated->len > INT_MAX)
        return PyErr_Format(PyExc_ValueError, "%zd octets are too few or too many", data->len);
    if (!kind->sealed && (size < 16 || associated->len))
        return PyErr_Format(PyExc_ValueError, "XTS takes 16 octets or more, and no associated data");
    PyObject *result = PyBytes_FromStringAndSize(NULL, encrypt ? size + tag : size);
    if (!result)
        return NULL;
    unsigned char *out = (unsigned char *)PyBytes_AS_STRING(result), given[TAG];
    if (tag && !encrypt)
        memcpy(given, (const char *)data->buf + size, TAG);
    int good;
    Py_BEGIN_ALLOW_THREADS good =
        transform(kind, encrypt, key, iv, data, size, associated, out, encrypt ? out + size : given);
    Py_END_ALLOW_THREADS if (good) return result;
    Py_DECREF(result);
    PyErr_SetString(PyExc_ValueError, encrypt ? "the cipher refused" : "the tag does not fit: wrong key, iv or data");
    return NULL;
}

static PyObject *both(PyObject *args, int encrypt) {
    const char *name;
    Py_buffer key, iv, data, associated = {0};
    if (!PyArg_ParseTuple(args, "sy*y*y*|y*", &name, &key, &iv, &data, &associated))
        return NULL;
    const struct kind *kind = find(name, key.len, iv.len);
    PyObject *result = kind ? run(kind, encrypt, &key, &iv, &data, &associated) : NULL;
    PyBuffer_Release(&key);
    PyBuffer_Release(&iv);
    PyBuffer_Release(&data);
    if (associated.obj)
        PyBuffer_Release(&associated);
    return result;
}

static PyObject *cipher_encrypt(PyObject *self, PyObject *args) { return both(args, 1); }
static PyObject *cipher_decrypt(PyObject *self, PyObject *args) { return both(args, 0); }

static PyMethodDef methods[] = {
    {"encrypt", cipher_encrypt, METH_VARARGS,
     "encrypt(cipher, key, iv, data, associated=b'') -> bytes, with the tag at its end"},
    {"decrypt", cipher_decrypt, METH_VARARGS, "decrypt(cipher, key, iv, data, associated=b'') -> bytes"},
    {NULL}};

static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, "_cipher", "Block and stream ciphers.", 0, methods};

PyMODINIT_FUNC PyInit__cipher(void) { return PyModule_Create(&definition); }
