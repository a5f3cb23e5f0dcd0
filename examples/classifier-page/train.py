"""Trains the classifier that the page shows, in PyTorch, and writes its weights (surnames.pt) and what its numbers stand for
(surnames.json):  python3 train.py   (about ten seconds)

The names are common surnames, spelled without accents. Every fifth is held out to say how often the model is right.
"""

import json
import os

import torch
from torch import nn

NAMES = {
    "Finnish": """aalto aaltonen ahonen anttila hakala hamalainen harju heikkila heikkinen heinonen hiltunen hirvonen
        huttunen jokinen jarvinen kallio karjalainen karppinen kinnunen koivisto korhonen koskinen laakso laaksonen
        lahti laine laitinen lehtinen lehtonen leppanen makela makinen manninen miettinen mustonen mattila nieminen
        niemi nurmi ojala peltonen pitkanen rantanen rasanen saarinen salminen salonen savolainen toivonen tuominen
        turunen vaisanen virtanen vainio ylonen""",
    "German": """bauer becker bergmann brandt braun busch dietrich engel fischer frank friedrich fuchs graf gross gunther
        haas hahn hartmann herrmann hoffmann huber jager kaiser keller klein koch kohler konig kramer kraus kruger kuhn
        lang lehmann lorenz maier meyer muller neumann pfeiffer richter roth sauer schafer scherer schmidt schneider
        scholz schreiber schroder schubert schulz schuster schwarz seidel simon sommer stein vogel vogt wagner walter
        weber weiss werner winkler wolf zimmermann ziegler""",
    "Greek": """alexiou anagnostopoulos andreou angelopoulos antoniou athanasiou christodoulou christou dimitriou
        dimopoulos economou fotiou galanis georgiadis georgiou giannopoulos hatzis iliopoulos ioannidis ioannou
        kalogeropoulos karagiannis karamanlis kefalas konstantinou kostopoulos kyriakou lambropoulos makris
        markopoulos mavridis michailidis nikolaidis nikolaou oikonomou panagiotopoulos pantazis papadakis papadopoulos
        papageorgiou pappas pavlidis petridis petrou samaras sideris spanos stavrou stefanidis theodorou triantafyllou
        tsakiris vasileiou vlachos xenakis zervas""",
    "Italian": """amato barbieri battaglia bellini bianchi bruno caputo carbone caruso colombo conti coppola costa damico
        deluca desantis esposito fabbri farina ferrara ferrari ferretti fiore fontana galli gallo gatti gentile
        giordano grassi greco guerra leone lombardi longo mancini marchetti mariani marino martinelli martini mazza
        messina monti morelli moretti neri orlando pellegrini piras ricci rinaldi rizzo romano rossetti rossi ruggiero
        russo sala sanna santoro serra silvestri sorrentino testa valentini villa vitale""",
    "Japanese": """abe aoki endo fujii fujita fujiwara fukuda goto hara harada hasegawa hashimoto hayashi hirano ikeda
        inoue ishida ishii ishikawa ito kato kikuchi kimura kobayashi kondo kubo maeda maruyama matsuda matsui matsumoto
        miura miyazaki mori morita murakami murata nakagawa nakajima nakamura nakano nishimura noguchi ogawa okada okamoto
        ono ota saito sakai sakamoto sasaki sato shibata shimizu sugiyama suzuki takada takagi takahashi takeuchi tamura
        tanaka uchida ueda wada watanabe yamada yamaguchi yamamoto yamashita yoshida""",
    "Polish": """adamczyk adamski baran borkowski chmielewski czarnecki dabrowski duda dudek gajewski glowacki gorski
        grabowski jablonski jakubowski jankowski jasinski jaworski kaczmarek kalinowski kaminski kolodziej kowalczyk
        kowalski kozlowski krajewski krawczyk krol kubiak kucharski kwiatkowski lewandowski lis maciejewski majewski
        makowski malinowski marciniak mazur mazurek michalak michalski mroz nowak nowakowski nowicki olszewski ostrowski
        pawlak pawlowski pietrzak piotrowski rutkowski sadowski sawicki sikora sikorski sobczak sokolowski stepien
        szczepanski szewczyk szymanski tomaszewski walczak wieczorek wilk wisniewski witkowski wojciechowski wozniak
        wrobel wroblewski wysocki zajac zawadzki zielinski""",
}
ALPHABET = "abcdefghijklmnopqrstuvwxyz"
HERE = os.path.dirname(os.path.abspath(__file__))


class Classifier(nn.Module):
    """Letters → embedding → LSTM → one number a language, after every letter. Token 0 is the beginning of the name."""

    def __init__(self, languages):
        super().__init__()
        self.embedding = nn.Embedding(1 + len(ALPHABET), 12)
        self.lstm = nn.LSTM(12, 32, batch_first=True)
        self.dropout = nn.Dropout(0.4)
        self.head = nn.Linear(32, languages)

    def forward(self, tokens):
        return self.head(self.dropout(self.lstm(self.embedding(tokens))[0]))


def batch(pairs):
    """Tokens and classes [names, letters]; the class is −100, which the loss leaves out, behind the end of a name."""
    longest = 1 + max(len(name) for name, _ in pairs)
    tokens = torch.zeros(len(pairs), longest, dtype=torch.long)
    classes = torch.full((len(pairs), longest), -100)
    for row, (name, language) in enumerate(pairs):
        tokens[row, 1 : 1 + len(name)] = torch.tensor([1 + ALPHABET.index(letter) for letter in name])
        classes[row, : 1 + len(name)] = language
    return tokens, classes


def main():
    torch.manual_seed(1)
    torch.set_num_threads(1)
    pairs = [(name, k) for k, names in enumerate(NAMES.values()) for name in sorted(names.split())]
    held_out, kept = pairs[::5], [pair for k, pair in enumerate(pairs) if k % 5]
    model = Classifier(len(NAMES))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01, weight_decay=1e-3)
    # The loss counts after every letter, so that half a name gets an honest answer too. Languages count alike.
    counts = torch.tensor([float(len(names.split())) for names in NAMES.values()])
    loss = nn.CrossEntropyLoss(weight=counts.mean() / counts)
    tokens, classes = batch(kept)
    for _ in range(60):
        optimizer.zero_grad()
        loss(model(tokens).flatten(0, 1), classes.flatten()).backward()
        optimizer.step()
    model.eval()
    right = 0
    with torch.no_grad():
        for name, language in held_out:
            right += int(model(batch([(name, language)])[0])[0, -1].argmax()) == language
    print(f"{right} of {len(held_out)} names kept out of training are classified correctly")
    torch.save(model.state_dict(), os.path.join(HERE, "surnames.pt"))
    with open(os.path.join(HERE, "surnames.json"), "w", encoding="utf-8") as file:
        json.dump({"alphabet": ALPHABET, "languages": list(NAMES), "right": right / len(held_out)}, file, indent=2)
        file.write("\n")


if __name__ == "__main__":
    main()
