//! The log on disks that lose, tear, refuse and rot, and that all of that would be noticed.

mod crash_points;
mod damage;
mod disk_calls;
mod faults;
mod fuzz;
mod half_rolled;
mod teeth;
