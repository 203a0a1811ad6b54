export {
  type GivenPorts,
  type ListeningPort,
  type PoolRange,
  type PortAssignment,
  PortPool,
} from './port-pool.ts'
export { type PortWish, portWishesOf } from './port-wishes.ts'
