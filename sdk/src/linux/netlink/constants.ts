// Numbers of <linux/netlink.h> and <sys/socket.h>, with the kernel's names.

export const AF_NETLINK = 16
export const AF_UNSPEC = 0
export const AF_INET = 2
export const AF_BRIDGE = 7
export const AF_INET6 = 10

export const NLMSG = { ERROR: 2, DONE: 3, OVERRUN: 4 } as const

export const NLM_F = {
  REQUEST: 0x1,
  ACK: 0x4,
  ECHO: 0x8,
  DUMP_INTR: 0x10,
  DUMP: 0x300,
  REPLACE: 0x100,
  EXCL: 0x200,
  CREATE: 0x400,
  APPEND: 0x800,
  /** In an answer: the request that it quotes was cut down to its header. */
  CAPPED: 0x100,
  /** In an answer: attributes follow what it quotes. */
  ACK_TLVS: 0x200,
} as const

/** nlmsghdr: length u32, type u16, flags u16, sequence u32, port u32. */
export const HEADER_LENGTH = 16
