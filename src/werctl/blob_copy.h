/* blob_copy.h - a cabinet out of the store, checked on the way
 *
 * The copy is whole or not there: it is written beside its place and moved in when the bytes fit
 * their SHA-256.
 */
#pragma once

#include "store/blob_dir.h"

/* Copies the blob to FD.  ERR_CORRUPT: what came out is not what was named. */
err_t blob_copy_fd(struct blob_dir *blobs, const uint8_t sha256[32], int fd,
		   struct err_detail *detail) ERR_CHECK;
/* To PATH (mode 0600: cabinets hold memory of programs).  ERR_EXISTS: it is there and not
 * IS_FORCED. */
err_t blob_copy_file(struct blob_dir *blobs, const uint8_t sha256[32], const char *path,
		     bool is_forced, struct err_detail *detail) ERR_CHECK;
