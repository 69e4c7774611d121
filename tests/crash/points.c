/* Stops a process at its n-th change of a file below one folder: preloaded into the process, so that it sees the calls of
 * Python, of SQLite, of FAISS and of tantivy alike.
 *
 * A change is an open that may create, a write, a truncation, a sync, a rename, an unlink, a new or removed folder.
 * Modes: COUNT only notes what is done; KILL ends the process by SIGKILL in place of the change; TEAR writes half of the
 * bytes first; FULL lets every write from the n-th on fail with ENOSPC, as a full disk does. Syncs are counted and left
 * out: a killed process loses nothing that the system holds, and the tests are faster.
 *
 * Not seen: stores into mapped memory (SQLite's -shm, which it makes anew), and system calls that a library makes without
 * the C library.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

enum { OFF, COUNT, KILL, TEAR, FULL };
#define MOST 100000

static char folder[PATH_MAX];
static long at;
static int mode = OFF;
static atomic_long done;
static char kinds[MOST];

void points_arm(const char *below, long n, int how) {
    snprintf(folder, sizeof folder, "%s", below);
    at = n;
    atomic_store(&done, 0);
    mode = how;
}
long points_done(void) { return atomic_load(&done); }
const char *points_kinds(void) { return kinds; }

static int below(const char *path) {
    size_t length = strlen(folder);
    return strncmp(path, folder, length) == 0 && (path[length] == '/' || path[length] == 0);
}

static int path_below(int dir, const char *path) {
    char link[64], place[PATH_MAX];
    if (path[0] == '/') return below(path);
    if (dir == AT_FDCWD) return getcwd(place, sizeof place) != NULL && below(place);
    snprintf(link, sizeof link, "/proc/self/fd/%d", dir);
    ssize_t length = readlink(link, place, sizeof place - 1);
    if (length < 0) return 0;
    place[length] = 0;
    return below(place);
}

static int fd_below(int fd) {
    char link[64], place[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, place, sizeof place - 1);
    if (length < 0) return 0;
    place[length] = 0;
    return below(place);
}

/* 0: go on; 1: tear this write and die; 2: the disk is full. */
static int reached(char kind) {
    long number = atomic_fetch_add(&done, 1);
    int writes = kind == 'w';
    if (number < MOST) kinds[number] = kind;
    if (mode == COUNT || number < at) return 0;
    if (mode == FULL) return writes ? 2 : 0;
    if (number > at) for (;;) pause(); /* another thread is dying */
    if (mode == TEAR && writes) return 1;
    kill(getpid(), SIGKILL);
    for (;;) pause();
}
static void die(void) { kill(getpid(), SIGKILL); for (;;) pause(); }

#define REAL(name) static __typeof__(&name) real; if (!real) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

ssize_t write(int fd, const void *data, size_t size) {
    REAL(write);
    if (mode != OFF && fd_below(fd)) switch (reached('w')) {
        case 1: real(fd, data, size / 2); die();
        case 2: errno = ENOSPC; return -1;
    }
    return real(fd, data, size);
}
ssize_t pwrite(int fd, const void *data, size_t size, off_t offset) {
    REAL(pwrite);
    if (mode != OFF && fd_below(fd)) switch (reached('w')) {
        case 1: real(fd, data, size / 2, offset); die();
        case 2: errno = ENOSPC; return -1;
    }
    return real(fd, data, size, offset);
}
ssize_t pwrite64(int fd, const void *data, size_t size, off64_t offset) {
    REAL(pwrite64);
    if (mode != OFF && fd_below(fd)) switch (reached('w')) {
        case 1: real(fd, data, size / 2, offset); die();
        case 2: errno = ENOSPC; return -1;
    }
    return real(fd, data, size, offset);
}
ssize_t writev(int fd, const struct iovec *parts, int count) {
    REAL(writev);
    if (mode != OFF && fd_below(fd)) switch (reached('w')) {
        case 1: real(fd, parts, count / 2); die();
        case 2: errno = ENOSPC; return -1;
    }
    return real(fd, parts, count);
}
size_t fwrite(const void *data, size_t size, size_t count, FILE *file) {
    REAL(fwrite);
    if (mode != OFF && fd_below(fileno(file))) switch (reached('w')) {
        case 1: real(data, size, count / 2, file); fflush(file); die();
        case 2: errno = ENOSPC; return 0;
    }
    return real(data, size, count, file);
}
int ftruncate(int fd, off_t size) {
    REAL(ftruncate);
    if (mode != OFF && fd_below(fd)) reached('t');
    return real(fd, size);
}
int ftruncate64(int fd, off64_t size) {
    REAL(ftruncate64);
    if (mode != OFF && fd_below(fd)) reached('t');
    return real(fd, size);
}
int fsync(int fd) {
    REAL(fsync);
    if (mode == OFF || !fd_below(fd)) return real(fd);
    reached('s');
    return 0;
}
int fdatasync(int fd) {
    REAL(fdatasync);
    if (mode == OFF || !fd_below(fd)) return real(fd);
    reached('s');
    return 0;
}
int rename(const char *from, const char *to) {
    REAL(rename);
    if (mode != OFF && (path_below(AT_FDCWD, from) || path_below(AT_FDCWD, to))) reached('r');
    return real(from, to);
}
int renameat(int from_dir, const char *from, int to_dir, const char *to) {
    REAL(renameat);
    if (mode != OFF && (path_below(from_dir, from) || path_below(to_dir, to))) reached('r');
    return real(from_dir, from, to_dir, to);
}
int renameat2(int from_dir, const char *from, int to_dir, const char *to, unsigned flags) {
    REAL(renameat2);
    if (mode != OFF && (path_below(from_dir, from) || path_below(to_dir, to))) reached('r');
    return real(from_dir, from, to_dir, to, flags);
}
int unlink(const char *path) {
    REAL(unlink);
    if (mode != OFF && path_below(AT_FDCWD, path)) reached('u');
    return real(path);
}
int unlinkat(int dir, const char *path, int flags) {
    REAL(unlinkat);
    if (mode != OFF && path_below(dir, path)) reached('u');
    return real(dir, path, flags);
}
int rmdir(const char *path) {
    REAL(rmdir);
    if (mode != OFF && path_below(AT_FDCWD, path)) reached('u');
    return real(path);
}
int mkdir(const char *path, mode_t rights) {
    REAL(mkdir);
    if (mode != OFF && path_below(AT_FDCWD, path)) reached('m');
    return real(path, rights);
}

#define RIGHTS                                                                                                         \
    mode_t rights = 0;                                                                                                 \
    if (flags & (O_CREAT | O_TMPFILE)) {                                                                               \
        va_list more;                                                                                                  \
        va_start(more, flags);                                                                                         \
        rights = va_arg(more, mode_t);                                                                                 \
        va_end(more);                                                                                                  \
    }
int open(const char *path, int flags, ...) {
    REAL(open);
    RIGHTS
    if (mode != OFF && (flags & O_CREAT) && path_below(AT_FDCWD, path)) reached('o');
    return real(path, flags, rights);
}
int open64(const char *path, int flags, ...) {
    REAL(open64);
    RIGHTS
    if (mode != OFF && (flags & O_CREAT) && path_below(AT_FDCWD, path)) reached('o');
    return real(path, flags, rights);
}
int openat(int dir, const char *path, int flags, ...) {
    REAL(openat);
    RIGHTS
    if (mode != OFF && (flags & O_CREAT) && path_below(dir, path)) reached('o');
    return real(dir, path, flags, rights);
}
int openat64(int dir, const char *path, int flags, ...) {
    REAL(openat64);
    RIGHTS
    if (mode != OFF && (flags & O_CREAT) && path_below(dir, path)) reached('o');
    return real(dir, path, flags, rights);
}
FILE *fopen(const char *path, const char *how) {
    REAL(fopen);
    if (mode != OFF && how[0] != 'r' && path_below(AT_FDCWD, path)) reached('o');
    return real(path, how);
}
FILE *fopen64(const char *path, const char *how) {
    REAL(fopen64);
    if (mode != OFF && how[0] != 'r' && path_below(AT_FDCWD, path)) reached('o');
    return real(path, how);
}
