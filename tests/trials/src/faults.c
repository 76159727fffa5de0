/* A disk that fails: loaded before the C library, it has the writes of a trial's database fail. What is to fail says a file that is
 * mapped here and written by the trial: the number of the first one, with which error, and whether those after it fail as well. With no
 * error it is said to have been done, and is not. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <unistd.h>

struct control {
    int64_t from, error, stays, seen, hit;
};

static struct control *control;

__attribute__((constructor)) static void begin(void) {
    const char *path = getenv("SAGA_TRIAL_FAULTS");
    int fd = path ? open(path, O_RDWR) : -1;
    if (fd < 0) {
        return;
    }
    void *mapped = mmap(NULL, sizeof(struct control), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    control = mapped == MAP_FAILED ? NULL : mapped;
}

/* Whether this one fails: 0 if it is to be done. */
static int fails(int fd) {
    char link[64], path[512];
    if (!control) {
        return 0;
    }
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length <= 0) {
        return 0;
    }
    path[length] = 0;
    if (!strstr(path, "trial.db")) {
        return 0;
    }
    int64_t number = __sync_add_and_fetch(&control->seen, 1);
    int64_t from = __sync_add_and_fetch(&control->from, 0);
    if (from == 0 || number < from || (number > from && !control->stays)) {
        return 0;
    }
    __sync_add_and_fetch(&control->hit, 1);
    errno = (int)control->error;
    return 1;
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

/* What is answered in its place. */
#define ANSWER(done) (control->error ? -1 : (done))

ssize_t write(int fd, const void *bytes, size_t count) {
    return fails(fd) ? ANSWER((ssize_t)count) : REAL(write)(fd, bytes, count);
}

ssize_t pwrite(int fd, const void *bytes, size_t count, off_t at) {
    return fails(fd) ? ANSWER((ssize_t)count) : REAL(pwrite)(fd, bytes, count, at);
}

ssize_t pwrite64(int fd, const void *bytes, size_t count, off64_t at) {
    return fails(fd) ? ANSWER((ssize_t)count) : REAL(pwrite64)(fd, bytes, count, at);
}

int fsync(int fd) {
    return fails(fd) ? ANSWER(0) : REAL(fsync)(fd);
}

int fdatasync(int fd) {
    return fails(fd) ? ANSWER(0) : REAL(fdatasync)(fd);
}

int ftruncate(int fd, off_t length) {
    return fails(fd) ? ANSWER(0) : REAL(ftruncate)(fd, length);
}

int ftruncate64(int fd, off64_t length) {
    return fails(fd) ? ANSWER(0) : REAL(ftruncate64)(fd, length);
}
