/* A library to preload: fails one call of a kind, or all from that one on, for files under a directory.
   `fault_arm` chooses which; what a run then makes of it is for its tests to say. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

enum { OPEN, READ, WRITE, SYNC, RENAME };

static char directory[4096];
static int armed = -1, lasting, error;
static long countdown, calls;

void fault_arm(const char *path, int kind, long number, int errnum, int lasts)
{
    snprintf(directory, sizeof directory, "%s", path);
    countdown = number, calls = 0, error = errnum, lasting = lasts, armed = kind;
}

/* Disarm, and return how many calls of that kind there were. */
long fault_disarm(void)
{
    armed = -1;
    return calls;
}

static int fails(int kind, int descriptor, const char *path)
{
    char link[64], name[4096];
    if (kind != armed)
        return 0;
    if (path == NULL) {
        snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
        ssize_t length = readlink(link, name, sizeof name - 1);
        if (length < 0)
            return 0;
        name[length] = 0;
        path = name;
    }
    if (strncmp(path, directory, strlen(directory)) != 0)
        return 0;
    calls++;
    if (lasting ? calls < countdown : calls != countdown)
        return 0;
    errno = error;
    return 1;
}

#define REAL(type, name, ...) \
    static type (*real)(__VA_ARGS__); \
    if (real == NULL) \
        real = (type (*)(__VA_ARGS__))dlsym(RTLD_NEXT, name)

#define OPENER(name) \
    int name(const char *path, int flags, ...) \
    { \
        va_list list; \
        va_start(list, flags); \
        mode_t mode = va_arg(list, mode_t); \
        va_end(list); \
        REAL(int, #name, const char *, int, ...); \
        return fails(OPEN, -1, path) ? -1 : real(path, flags, mode); \
    }

#define TRANSFER(name, buffer, kind) \
    ssize_t name(int descriptor, buffer, size_t length, off_t offset) \
    { \
        REAL(ssize_t, #name, int, buffer, size_t, off_t); \
        return fails(kind, descriptor, NULL) ? -1 : real(descriptor, data, length, offset); \
    }

#define SYNCER(name) \
    int name(int descriptor) \
    { \
        REAL(int, #name, int); \
        return fails(SYNC, descriptor, NULL) ? -1 : real(descriptor); \
    }

#define RENAMER(name) \
    int name(const char *from, const char *to) \
    { \
        REAL(int, #name, const char *, const char *); \
        return fails(RENAME, -1, to) ? -1 : real(from, to); \
    }

OPENER(open)
OPENER(open64)
TRANSFER(pread, void *data, READ)
TRANSFER(pread64, void *data, READ)
TRANSFER(pwrite, const void *data, WRITE)
TRANSFER(pwrite64, const void *data, WRITE)
SYNCER(fsync)
SYNCER(fdatasync)
RENAMER(rename)
RENAMER(link)

ssize_t read(int descriptor, void *data, size_t length)
{
    REAL(ssize_t, "read", int, void *, size_t);
    return fails(READ, descriptor, NULL) ? -1 : real(descriptor, data, length);
}

ssize_t write(int descriptor, const void *data, size_t length)
{
    REAL(ssize_t, "write", int, const void *, size_t);
    return fails(WRITE, descriptor, NULL) ? -1 : real(descriptor, data, length);
}

int ftruncate(int descriptor, off_t length)
{
    REAL(int, "ftruncate", int, off_t);
    return fails(WRITE, descriptor, NULL) ? -1 : real(descriptor, length);
}

int ftruncate64(int descriptor, off_t length)
{
    REAL(int, "ftruncate64", int, off_t);
    return fails(WRITE, descriptor, NULL) ? -1 : real(descriptor, length);
}

int posix_fallocate(int descriptor, off_t offset, off_t length)
{
    REAL(int, "posix_fallocate", int, off_t, off_t);
    return fails(WRITE, descriptor, NULL) ? error : real(descriptor, offset, length);
}

int posix_fallocate64(int descriptor, off_t offset, off_t length)
{
    REAL(int, "posix_fallocate64", int, off_t, off_t);
    return fails(WRITE, descriptor, NULL) ? error : real(descriptor, offset, length);
}
