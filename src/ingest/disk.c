#include "ingest/disk.h"

#include "base/fs.h"

bool
disk_look(struct disk *disk, const char *data, uint64_t reserve_cab_bytes, uint64_t reserve_bytes)
{
	uint64_t free_bytes;
	if (fs_free_bytes(data, &free_bytes) != OK)
		return false; /* unknown: keep the last answer; writes will tell */
	bool cabs = free_bytes >= reserve_cab_bytes && free_bytes >= reserve_bytes;
	bool reports = free_bytes >= reserve_bytes;
	atomic_store(&disk->free_bytes, free_bytes);
	bool cabs_before = atomic_exchange(&disk->has_room_for_cabs, cabs);
	bool reports_before = atomic_exchange(&disk->has_room_for_reports, reports);
	return cabs != cabs_before || reports != reports_before;
}
