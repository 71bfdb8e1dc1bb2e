import state
state.items.append(await counter())
print(state.items)
# --- next ---
import state
state.items.append(await counter())
print(state.items)
# --- next ---
import state
print(state.items, await counter())
# --- next ---
import state
print(state.items)
