/* blob_dir.h - content-addressed files: DATA/blobs/ab/cdef..., named by SHA-256
 *
 * A blob is written into an unnamed file (O_TMPFILE), fdatasynced, linked by its hash, and its
 * folder fsynced; before that nothing of it exists for anybody.  The same content twice is one
 * file.  Linking and unlinking take one lock (of this process), because a blob may be unlinked
 * only while no row can begin to name it.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "base/slice.h"

struct blob_dir;
struct blob_writer;

/* For the owner: makes the folder and its 256 subfolders (durable), and clears away what a process
 * that died left in tmp/, which is used only where the filesystem has no O_TMPFILE. */
err_t
blob_dir_open(const char *data, struct blob_dir **ret_dir, struct err_detail *detail) ERR_CHECK;
/* For readers: makes and changes nothing; blob_create and blob_unlink are ERR_DENIED. */
err_t blob_dir_open_read(const char *data, struct blob_dir **ret_dir,
			 struct err_detail *detail) ERR_CHECK;
void blob_dir_close(struct blob_dir *dir); /* accepts NULL */

/* Any thread; a writer belongs to one thread at a time. */
err_t blob_create(struct blob_dir *dir, struct blob_writer **ret_writer) ERR_CHECK;
/* ERR_FULL, ERR_IO; after one of them only blob_cancel makes sense (blob_finish gives it again). */
err_t blob_write(struct blob_writer *writer, struct slice bytes) ERR_CHECK;
uint64_t blob_written_bytes(const struct blob_writer *writer);
/* The first bytes, to look at the magic. */
struct slice blob_head(const struct blob_writer *writer);
void blob_cancel(struct blob_writer *writer); /* frees; accepts NULL */
/* Finishes the digest, makes file and folder entry durable, frees the writer whatever happens.
 * Slow (fsync): never on an I/O thread.  The blob is pinned: it is not unlinked before
 * blob_settle, because a row that names it may be on its way. */
err_t blob_finish(struct blob_writer *writer, uint8_t ret_sha256[32],
		  struct err_detail *detail) ERR_CHECK;

err_t blob_open_read(struct blob_dir *dir, const uint8_t sha256[32], int *ret_fd,
		     uint64_t *ret_bytes) ERR_CHECK;
/* Takes the pin of one blob_finish back, after its row was committed or was not.  When nobody else
 * has it pinned and no row names it, the file goes. */
void blob_settle(struct blob_dir *dir, const uint8_t sha256[32], bool is_named);
/* ERR_BUSY: it is pinned. */
err_t blob_unlink(struct blob_dir *dir, const uint8_t sha256[32]) ERR_CHECK;
