/** The longest path of a UNIX socket: sun_path of unix(7) has 108 bytes, the last one is the terminating zero. */
export const maxSocketPathBytes = 107
