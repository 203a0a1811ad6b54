// Numbers of <linux/netfilter/nf_tables.h>: attributes of tables, chains, rules, sets, elements and expressions.

export const NFTA_TABLE = { NAME: 1, FLAGS: 2 } as const
export const NFTA_CHAIN = { TABLE: 1, NAME: 3, HOOK: 4, POLICY: 5, TYPE: 7, FLAGS: 10 } as const
export const NFTA_RULE = { TABLE: 1, CHAIN: 2, EXPRESSIONS: 4 } as const
export const NFTA_LIST_ELEM = 1
export const NFTA_EXPR = { NAME: 1, DATA: 2 } as const
export const NFTA_SET = {
  TABLE: 1,
  NAME: 2,
  FLAGS: 3,
  KEY_TYPE: 4,
  KEY_LEN: 5,
  DESC: 9,
  ID: 10,
  POLICY: 8,
} as const
export const NFTA_SET_DESC = { SIZE: 1, CONCAT: 2 } as const
export const NFTA_SET_FIELD_LEN = 1
export const NFT_SET = { CONSTANT: 2, INTERVAL: 4, CONCAT: 0x80 } as const
export const NFTA_SET_ELEM_LIST = { TABLE: 1, SET: 2, ELEMENTS: 3 } as const
export const NFTA_SET_ELEM = { KEY: 1, DATA: 2, FLAGS: 3, USERDATA: 6, KEY_END: 10 } as const
export const NFT_SET_ELEM_INTERVAL_END = 1
export const NFTA_DATA = { VALUE: 1, VERDICT: 2 } as const
export const NFTA_VERDICT = { CODE: 1, CHAIN: 2 } as const
export const NFTA_GEN_ID = 1

/** As signed 32-bit numbers. */
export const NFT_VERDICT = { ACCEPT: 1, JUMP: -3, GOTO: -4 } as const
