// A node on the port given, with the chain id given, its chain kept in the folder
// given. Blocks are mined when asked for alone (evm_mine).
import ganache from "ganache";

const [port, chainId, dbPath] = process.argv.slice(2);
const server = ganache.server({
  logging: { quiet: true },
  chain: { chainId: Number(chainId) },
  database: { dbPath },
  wallet: { mnemonic: "test test test test test test test test test test test junk" },
  miner: { blockTime: 1e6 }, // never by itself
});
await server.listen(Number(port), "127.0.0.1");
process.stdout.write("ready\n");
