/* Records what a process does to the files below $RECORD_DIR, in order, into $RECORD_LOG.

   Preloaded; keeps one lock, so the order in the record is the order of the calls. Each record:
   u8 operation, u16 path length, u64 offset, u32 data length, path, data (host byte order).

   W write   T truncate to offset   S sync of the file   D durable write (O_DSYNC)
   C create  R rename (data: new path)  U unlink */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int record = -1;
static char folder[PATH_MAX];

static ssize_t (*real_write)(int, const void *, size_t);
static ssize_t (*real_pwrite)(int, const void *, size_t, off64_t);
static ssize_t (*real_writev)(int, const struct iovec *, int);
static ssize_t (*real_pwritev)(int, const struct iovec *, int, off64_t);
static int (*real_ftruncate)(int, off64_t);
static int (*real_fsync)(int);
static int (*real_fdatasync)(int);
static int (*real_open)(const char *, int, ...);
static int (*real_rename)(const char *, const char *);
static int (*real_unlink)(const char *);

__attribute__((constructor)) static void start(void) {
    real_write = dlsym(RTLD_NEXT, "write");
    real_pwrite = dlsym(RTLD_NEXT, "pwrite64");
    real_writev = dlsym(RTLD_NEXT, "writev");
    real_pwritev = dlsym(RTLD_NEXT, "pwritev64");
    real_ftruncate = dlsym(RTLD_NEXT, "ftruncate64");
    real_fsync = dlsym(RTLD_NEXT, "fsync");
    real_fdatasync = dlsym(RTLD_NEXT, "fdatasync");
    real_open = dlsym(RTLD_NEXT, "open64");
    real_rename = dlsym(RTLD_NEXT, "rename");
    real_unlink = dlsym(RTLD_NEXT, "unlink");
    const char *name = getenv("RECORD_LOG"), *below = getenv("RECORD_DIR");
    if (name && below && realpath(below, folder))
        record = real_open(name, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

static int below(const char *path) {
    return record >= 0 && !strncmp(path, folder, strlen(folder));
}

static int path_of(int fd, char *path) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = record < 0 ? -1 : readlink(link, path, PATH_MAX - 1);
    if (length < 0) return 0;
    path[length] = 0;
    return below(path);
}

static void note(char what, const char *path, uint64_t at, const void *data, uint32_t length) {
    uint16_t name = strlen(path);
    char head[15];
    head[0] = what;
    memcpy(head + 1, &name, 2);
    memcpy(head + 3, &at, 8);
    memcpy(head + 11, &length, 4);
    struct iovec parts[] = {{head, 15}, {(void *)path, name}, {(void *)data, length}};
    real_writev(record, parts, 3);
}

static char kind(int fd) { return fcntl(fd, F_GETFL) & O_DSYNC ? 'D' : 'W'; }

static ssize_t written(int fd, const struct iovec *parts, int count, off64_t at, ssize_t done) {
    char path[PATH_MAX];
    int saved = errno;
    if (done > 0 && path_of(fd, path)) {
        ssize_t left = done;
        for (int i = 0; i < count && left > 0; i++) {
            size_t length = parts[i].iov_len < (size_t)left ? parts[i].iov_len : (size_t)left;
            note(kind(fd), path, at, parts[i].iov_base, length);
            at += length;
            left -= length;
        }
    }
    errno = saved;
    return done;
}

ssize_t write(int fd, const void *data, size_t length) {
    if (fd == record) return real_write(fd, data, length);
    pthread_mutex_lock(&lock);
    char path[PATH_MAX];
    off64_t at = path_of(fd, path) ? lseek64(fd, 0, SEEK_CUR) : 0;
    struct iovec part = {(void *)data, length};
    ssize_t done = written(fd, &part, 1, at, real_write(fd, data, length));
    pthread_mutex_unlock(&lock);
    return done;
}

ssize_t pwrite64(int fd, const void *data, size_t length, off64_t at) {
    pthread_mutex_lock(&lock);
    struct iovec part = {(void *)data, length};
    ssize_t done = written(fd, &part, 1, at, real_pwrite(fd, data, length, at));
    pthread_mutex_unlock(&lock);
    return done;
}

ssize_t pwrite(int fd, const void *data, size_t length, off_t at) {
    return pwrite64(fd, data, length, at);
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
    pthread_mutex_lock(&lock);
    char path[PATH_MAX];
    off64_t at = path_of(fd, path) ? lseek64(fd, 0, SEEK_CUR) : 0;
    ssize_t done = written(fd, parts, count, at, real_writev(fd, parts, count));
    pthread_mutex_unlock(&lock);
    return done;
}

ssize_t pwritev64(int fd, const struct iovec *parts, int count, off64_t at) {
    pthread_mutex_lock(&lock);
    ssize_t done = written(fd, parts, count, at, real_pwritev(fd, parts, count, at));
    pthread_mutex_unlock(&lock);
    return done;
}

ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t at) {
    return pwritev64(fd, parts, count, at);
}

int ftruncate64(int fd, off64_t size) {
    pthread_mutex_lock(&lock);
    char path[PATH_MAX];
    int done = real_ftruncate(fd, size);
    if (!done && path_of(fd, path)) note('T', path, size, "", 0);
    pthread_mutex_unlock(&lock);
    return done;
}

int ftruncate(int fd, off_t size) { return ftruncate64(fd, size); }

static int synced(int fd, int done) {
    char path[PATH_MAX];
    if (!done && path_of(fd, path)) note('S', path, 0, "", 0);
    return done;
}

int fsync(int fd) {
    pthread_mutex_lock(&lock);
    int done = synced(fd, real_fsync(fd));
    pthread_mutex_unlock(&lock);
    return done;
}

int fdatasync(int fd) {
    pthread_mutex_lock(&lock);
    int done = synced(fd, real_fdatasync(fd));
    pthread_mutex_unlock(&lock);
    return done;
}

int open64(const char *name, int flags, ...) {
    va_list list;
    va_start(list, flags);
    int mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(list, int) : 0;
    va_end(list);
    pthread_mutex_lock(&lock);
    int fresh = (flags & O_CREAT) && access(name, F_OK);
    int fd = real_open(name, flags, mode);
    char path[PATH_MAX];
    if (fd >= 0 && fresh && path_of(fd, path)) note('C', path, 0, "", 0);
    pthread_mutex_unlock(&lock);
    return fd;
}

int open(const char *name, int flags, ...) {
    va_list list;
    va_start(list, flags);
    int mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(list, int) : 0;
    va_end(list);
    return open64(name, flags, mode);
}

int rename(const char *from, const char *to) {
    pthread_mutex_lock(&lock);
    char path[PATH_MAX];
    int known = realpath(from, path) && below(path);
    int done = real_rename(from, to);
    char target[PATH_MAX];
    if (!done && known && realpath(to, target)) note('R', path, 0, target, strlen(target));
    pthread_mutex_unlock(&lock);
    return done;
}

int unlink(const char *name) {
    pthread_mutex_lock(&lock);
    char path[PATH_MAX];
    int known = realpath(name, path) && below(path);
    int done = real_unlink(name);
    if (!done && known) note('U', path, 0, "", 0);
    pthread_mutex_unlock(&lock);
    return done;
}
