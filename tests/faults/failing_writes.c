// Preloaded into a process: counts its writes below a folder, of all its children too, and lets one of them fail, or ends the process there.
//
// FAULTS_FOLDER: the folder. FAULTS_STATE: a file of six int64: the number of the write that is to fail (0: none), how many there were,
// errno, whether all later ones fail as well, whether to kill instead, spare. A write is: opening a file to create it, writing, truncating,
// syncing, renaming, making a folder.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

static volatile long *state;
static char folder[PATH_MAX];
static size_t length;

__attribute__((constructor)) static void start(void) {
    const char *file = getenv("FAULTS_STATE"), *below = getenv("FAULTS_FOLDER");
    if (!file || !below) return;
    int (*open_)(const char *, int, ...) = dlsym(RTLD_NEXT, "open");
    int handle = open_(file, O_RDWR);
    if (handle < 0) return;
    void *found = mmap(NULL, 6 * sizeof(long), PROT_READ | PROT_WRITE, MAP_SHARED, handle, 0);
    close(handle);
    strncpy(folder, below, PATH_MAX - 1);
    length = strlen(folder);
    if (found != MAP_FAILED) state = found;
}

static int fails(const char *path) {
    if (!state || !state[0] || strncmp(path, folder, length)) return 0;
    long number = __sync_add_and_fetch(&state[1], 1);
    if (number != state[0] && !(state[3] && number > state[0])) return 0;
    if (state[4]) kill(0, SIGKILL);
    errno = (int)state[2];
    return 1;
}

static int fails_at(int at, const char *path) {
    char whole[2 * PATH_MAX], base[PATH_MAX], link[64];
    if (!state || !state[0]) return 0;
    if (path[0] == '/') return fails(path);
    ssize_t size;
    if (at == AT_FDCWD) size = readlink("/proc/self/cwd", base, PATH_MAX - 1);
    else {
        snprintf(link, sizeof link, "/proc/self/fd/%d", at);
        size = readlink(link, base, PATH_MAX - 1);
    }
    if (size < 0) return 0;
    base[size] = 0;
    snprintf(whole, sizeof whole, "%s/%s", base, path);
    return fails(whole);
}

static int fails_on(int handle) {
    char link[64], path[PATH_MAX];
    if (!state || !state[0]) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", handle);
    ssize_t size = readlink(link, path, PATH_MAX - 1);
    if (size < 0) return 0;
    path[size] = 0;
    return fails(path);
}

#define REAL(name) static __typeof__(name) *real; if (!real) real = dlsym(RTLD_NEXT, #name)
#define MODE(flags) mode_t mode = 0; if ((flags) & (O_CREAT | O_TMPFILE)) { va_list rest; va_start(rest, flags); mode = va_arg(rest, mode_t); va_end(rest); }
#define WRITES(flags) ((flags) & O_CREAT)

int open(const char *path, int flags, ...) { REAL(open); MODE(flags); if (WRITES(flags) && fails_at(AT_FDCWD, path)) return -1; return real(path, flags, mode); }
int open64(const char *path, int flags, ...) { REAL(open64); MODE(flags); if (WRITES(flags) && fails_at(AT_FDCWD, path)) return -1; return real(path, flags, mode); }
int openat(int at, const char *path, int flags, ...) { REAL(openat); MODE(flags); if (WRITES(flags) && fails_at(at, path)) return -1; return real(at, path, flags, mode); }
int openat64(int at, const char *path, int flags, ...) { REAL(openat64); MODE(flags); if (WRITES(flags) && fails_at(at, path)) return -1; return real(at, path, flags, mode); }
ssize_t write(int handle, const void *data, size_t size) { REAL(write); if (fails_on(handle)) return -1; return real(handle, data, size); }
ssize_t pwrite(int handle, const void *data, size_t size, off_t at) { REAL(pwrite); if (fails_on(handle)) return -1; return real(handle, data, size, at); }
ssize_t pwrite64(int handle, const void *data, size_t size, off64_t at) { REAL(pwrite64); if (fails_on(handle)) return -1; return real(handle, data, size, at); }
ssize_t writev(int handle, const struct iovec *parts, int count) { REAL(writev); if (fails_on(handle)) return -1; return real(handle, parts, count); }
int ftruncate(int handle, off_t size) { REAL(ftruncate); if (fails_on(handle)) return -1; return real(handle, size); }
int ftruncate64(int handle, off64_t size) { REAL(ftruncate64); if (fails_on(handle)) return -1; return real(handle, size); }
int fsync(int handle) { REAL(fsync); if (fails_on(handle)) return -1; return real(handle); }
int fdatasync(int handle) { REAL(fdatasync); if (fails_on(handle)) return -1; return real(handle); }
int rename(const char *from, const char *to) { REAL(rename); if (fails_at(AT_FDCWD, to)) return -1; return real(from, to); }
int renameat(int a, const char *from, int b, const char *to) { REAL(renameat); if (fails_at(b, to)) return -1; return real(a, from, b, to); }
int mkdir(const char *path, mode_t mode) { REAL(mkdir); if (fails_at(AT_FDCWD, path)) return -1; return real(path, mode); }
