//! A disk in memory that fails as disks do, the same way every time for the same seed.
