// Numbers of <linux/netfilter/nfnetlink.h>, nf_tables.h and nfnetlink_conntrack.h, with the kernel's names.

export const NFNL_MSG_BATCH_BEGIN = 16
export const NFNL_MSG_BATCH_END = 17
export const NFNL_SUBSYS = { CTNETLINK: 1, NFTABLES: 10 } as const

/** The family of a table for IPv4 and IPv6 together. */
export const NFPROTO_INET = 1

export const NFT_MSG = {
  NEWTABLE: 0,
  GETTABLE: 1,
  DELTABLE: 2,
  NEWCHAIN: 3,
  GETCHAIN: 4,
  DELCHAIN: 5,
  NEWRULE: 6,
  GETRULE: 7,
  DELRULE: 8,
  NEWSET: 9,
  GETSET: 10,
  DELSET: 11,
  NEWSETELEM: 12,
  GETSETELEM: 13,
  DELSETELEM: 14,
  GETGEN: 16,
} as const

/** A message's type is its subsystem and its number. */
export const messageType = (subsystem: number, number: number) => (subsystem << 8) | number
