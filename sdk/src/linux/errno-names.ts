// The names of Linux's error numbers (errno(3)). Node knows those that libuv maps alone.
import { constants } from 'node:os'

/** As in <asm-generic/errno.h>, which x86, ARM, RISC-V and s390 share. */
const unknownToNode = {
  ENOTBLK: 15,
  ECHRNG: 44,
  EL2NSYNC: 45,
  EL3HLT: 46,
  EL3RST: 47,
  ELNRNG: 48,
  EUNATCH: 49,
  ENOCSI: 50,
  EL2HLT: 51,
  EBADE: 52,
  EBADR: 53,
  EXFULL: 54,
  ENOANO: 55,
  EBADRQC: 56,
  EBADSLT: 57,
  EBFONT: 59,
  ENONET: 64,
  ENOPKG: 65,
  EREMOTE: 66,
  EADV: 68,
  ESRMNT: 69,
  ECOMM: 70,
  EDOTDOT: 73,
  ENOTUNIQ: 76,
  EBADFD: 77,
  EREMCHG: 78,
  ELIBACC: 79,
  ELIBBAD: 80,
  ELIBSCN: 81,
  ELIBMAX: 82,
  ELIBEXEC: 83,
  ERESTART: 85,
  ESTRPIPE: 86,
  EUSERS: 87,
  ESOCKTNOSUPPORT: 94,
  EPFNOSUPPORT: 96,
  ESHUTDOWN: 108,
  ETOOMANYREFS: 109,
  EHOSTDOWN: 112,
  EUCLEAN: 117,
  ENOTNAM: 118,
  ENAVAIL: 119,
  EISNAM: 120,
  EREMOTEIO: 121,
  ENOMEDIUM: 123,
  EMEDIUMTYPE: 124,
  ENOKEY: 126,
  EKEYEXPIRED: 127,
  EKEYREVOKED: 128,
  EKEYREJECTED: 129,
  EOWNERDEAD: 130,
  ENOTRECOVERABLE: 131,
  ERFKILL: 132,
  EHWPOISON: 133,
} as const

/** Some numbers have two names: the kernel's own are EAGAIN and EOPNOTSUPP. */
const names = new Map<number, string>([
  ...Object.entries({ ...unknownToNode, ...constants.errno }).map(([name, number]): [number, string] => [
    number,
    name,
  ]),
  [constants.errno.EAGAIN, 'EAGAIN'],
  [constants.errno.EDEADLK, 'EDEADLK'],
  [constants.errno.EOPNOTSUPP, 'EOPNOTSUPP'],
])

/** `EEXIST`; of a number that Linux does not have, `errno 4095`. */
export function errnoName(errno: number): string {
  return names.get(errno) ?? `errno ${errno}`
}
