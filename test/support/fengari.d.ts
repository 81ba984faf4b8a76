/**
 * The part of fengari, a Lua interpreter in JavaScript, that {@link file://./lua.ts} uses. It has
 * no types of its own.
 */
declare module 'fengari' {
  /** The state of one interpreter. */
  interface LuaState {
    readonly brand: 'lua_State';
  }

  const fengari: {
    /** Between JavaScript's strings and Lua's bytes. */
    to_luastring(text: string): Uint8Array;
    to_jsstring(bytes: Uint8Array): string;
    readonly lauxlib: {
      luaL_newstate(): LuaState;
      /** 0: what follows on the stack is the chunk; else a message. */
      luaL_loadstring(state: LuaState, source: Uint8Array): number;
    };
    readonly lualib: { luaL_openlibs(state: LuaState): void };
    readonly lua: {
      lua_pcall(state: LuaState, args: number, results: number, handler: number): number;
      /** null where the value is no string. */
      lua_tostring(state: LuaState, index: number): Uint8Array | null;
      lua_getfield(state: LuaState, index: number, name: Uint8Array): number;
      lua_settop(state: LuaState, index: number): void;
    };
  };
  export = fengari;
}
