"""usage: python3 pytorch.py FOLDER THREADS. Runs a case in PyTorch; prints one line of JSON as bench/measure.mjs does."""
import json
import sys
import time

import numpy
import torch

folder, threads = sys.argv[1], int(sys.argv[2])
torch.set_num_threads(threads)
case = json.load(open(f"{folder}/case.json"))
raw = open(f"{folder}/data.bin", "rb").read()
data = {
    t["name"]: torch.from_numpy(
        numpy.frombuffer(raw, dtype=t["type"], count=t["length"], offset=t["offset"]).reshape(t["shape"]).copy()
    )
    for t in case["tensors"]
}
kind = case["kind"]
classes = {"lstm": torch.nn.LSTM, "gru": torch.nn.GRU, "rnn": torch.nn.RNN}


def load(modules):
    for prefix, module in modules.items():
        for name, parameter in module.named_parameters():
            with torch.no_grad():
                parameter.copy_(data[f"{prefix}.{name}"])


def training(modules, loss_of):
    load(modules)
    parameters = [p for m in modules.values() for p in m.parameters()]
    optimizer = torch.optim.Adam(parameters, 1e-3)

    def step():
        optimizer.zero_grad()
        loss = loss_of()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 5)
        optimizer.step()
        return loss

    return step, lambda: [step().item() for _ in range(3)]


if kind == "train":
    embedding = torch.nn.Embedding(case["V"], case["E"])
    rnn = classes[case["cell"]](case["E"], case["H"], case["L"])
    head = torch.nn.Linear(case["H"], case["V"])
    tokens, targets = data["tokens"].long(), data["targets"].long().reshape(-1)
    modules = {"embedding": embedding, "rnn": rnn, "head": head}
    run, check = training(
        modules,
        lambda: torch.nn.functional.cross_entropy(head(rnn(embedding(tokens))[0]).reshape(-1, case["V"]), targets),
    )
elif kind == "regress":
    rnn = classes[case["cell"]](case["D"], case["H"])
    head = torch.nn.Linear(case["H"], case["D"])
    run, check = training(
        {"rnn": rnn, "head": head}, lambda: torch.nn.functional.mse_loss(head(rnn(data["input"])[0]), data["target"])
    )
elif kind in ("sequence", "stream"):
    rnn = torch.nn.LSTM(case["H"], case["H"])
    load({"rnn": rnn})
    state = [None]

    def run():
        with torch.inference_mode():
            output, after = rnn(data["input"], state[0] if kind == "stream" else None)
        state[0] = after
        return output

    def check():
        output = run().reshape(-1)
        return output[:3].tolist() + [output.sum().item()]

else:
    run = lambda: data["a"] @ data["b"]
    check = lambda: run().reshape(-1)[:4].tolist()

agree = check()
together = 20 if kind == "stream" else 1
start = time.perf_counter()
while time.perf_counter() - start < 0.4:
    run()
wall, cpu = [], []
begin = time.perf_counter()
while time.perf_counter() - begin < 3 or len(wall) < 5:
    c0, t0 = time.process_time(), time.perf_counter()
    for _ in range(together):
        run()
    wall.append((time.perf_counter() - t0) * 1000 / together)
    cpu.append((time.process_time() - c0) * 1000 / together)
middle = lambda values: sorted(values)[len(values) // 2]
print(
    json.dumps(
        {
            **{"medianMs": middle(wall), "cpuMs": middle(cpu), "count": len(wall), "version": torch.__version__},
            **{"agree": agree, "fastestMs": min(wall), "p99Ms": sorted(wall)[int(len(wall) * 0.99)]},
        }
    )
)
