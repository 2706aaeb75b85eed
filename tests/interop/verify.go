// Verifies what Gongzhang exports with nothing of Gongzhang: the tree and note code of Go's
// checksum database (golang.org/x/mod).
//
//	verify log FOLDER VKEY             every entry, tile and proof of an exported log
//	verify proof FILE LEAF VKEY        a .tlog-proof file
//	verify consistency M N R1 R2 HASH… a consistency proof, roots and hashes in base64
package main

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func main() {
	var err error
	switch a := os.Args[1:]; {
	case len(a) == 3 && a[0] == "log":
		err = verifyLog(a[1], a[2])
	case len(a) == 4 && a[0] == "proof":
		err = verifyProof(a[1], a[2], a[3])
	case len(a) >= 5 && a[0] == "consistency":
		err = verifyConsistency(a[1:])
	default:
		err = fmt.Errorf("wrong arguments")
	}
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}

// openCheckpoint returns size and root of a checkpoint that the key has signed.
func openCheckpoint(data []byte, vkey string) (tlog.Tree, error) {
	verifier, err := note.NewVerifier(vkey)
	if err != nil {
		return tlog.Tree{}, err
	}
	opened, err := note.Open(data, note.VerifierList(verifier))
	if err != nil {
		return tlog.Tree{}, err
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) < 4 || lines[0] != verifier.Name() {
		return tlog.Tree{}, fmt.Errorf("no checkpoint of %s", verifier.Name())
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil {
		return tlog.Tree{}, err
	}
	root, err := tlog.ParseHash(lines[2])
	return tlog.Tree{N: size, Hash: root}, err
}

// folder reads the tiles of an exported log.
type folder string

func (f folder) Height() int                      { return 8 }
func (f folder) SaveTiles([]tlog.Tile, [][]byte) {}

func (f folder) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var all [][]byte
	for _, tile := range tiles {
		data, err := os.ReadFile(f.path(strconv.Itoa(tile.L), tile.N, tile.W))
		if err != nil {
			return nil, err
		}
		all = append(all, data)
	}
	return all, nil
}

func (f folder) path(kind string, number int64, width int) string {
	place := fmt.Sprintf("%03d", number%1000)
	for number >= 1000 {
		number /= 1000
		place = fmt.Sprintf("x%03d/%s", number%1000, place)
	}
	if width != 256 {
		place += fmt.Sprintf(".p/%d", width)
	}
	return filepath.Join(string(f), "tile", kind, place)
}

func (f folder) leaves(size int64) ([][]byte, error) {
	var all [][]byte
	for first := int64(0); first < size; first += 256 {
		width := size - first
		if width > 256 {
			width = 256
		}
		data, err := os.ReadFile(f.path("entries", first/256, int(width)))
		if err != nil {
			return nil, err
		}
		for len(data) > 1 {
			length := int(binary.BigEndian.Uint16(data))
			all = append(all, data[2:2+length])
			data = data[2+length:]
		}
	}
	if int64(len(all)) != size {
		return nil, fmt.Errorf("%d entries, not %d", len(all), size)
	}
	return all, nil
}

func verifyLog(path, vkey string) error {
	data, err := os.ReadFile(filepath.Join(path, "checkpoint"))
	if err != nil {
		return err
	}
	tree, err := openCheckpoint(data, vkey)
	if err != nil {
		return err
	}
	leaves, err := folder(path).leaves(tree.N)
	if err != nil {
		return err
	}
	reader := tlog.TileHashReader(tree, folder(path))
	for i, leaf := range leaves {
		n := int64(i)
		hash := tlog.RecordHash(leaf)
		stored, err := reader.ReadHashes([]int64{tlog.StoredHashIndex(0, n)})
		if err != nil {
			return err
		}
		if stored[0] != hash {
			return fmt.Errorf("entry %d is not the one in the tiles", n)
		}
		proof, err := tlog.ProveRecord(tree.N, n, reader)
		if err != nil {
			return err
		}
		if err := tlog.CheckRecord(proof, tree.N, tree.Hash, n, hash); err != nil {
			return err
		}
		old, err := tlog.TreeHash(n+1, reader)
		if err != nil {
			return err
		}
		grown, err := tlog.ProveTree(tree.N, n+1, reader)
		if err != nil {
			return err
		}
		if err := tlog.CheckTree(grown, tree.N, tree.Hash, n+1, old); err != nil {
			return err
		}
	}
	fmt.Printf("%d entries verified\n", tree.N)
	return nil
}

func verifyProof(file, leafFile, vkey string) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	leaf, err := os.ReadFile(leafFile)
	if err != nil {
		return err
	}
	head, checkpoint, found := bytes.Cut(data, []byte("\n\n"))
	lines := strings.Split(string(head), "\n")
	if !found || lines[0] != "c2sp.org/tlog-proof@v1" {
		return fmt.Errorf("no proof file")
	}
	lines = lines[1:]
	if strings.HasPrefix(lines[0], "extra ") {
		lines = lines[1:]
	}
	index, err := strconv.ParseInt(strings.TrimPrefix(lines[0], "index "), 10, 64)
	if err != nil {
		return err
	}
	var proof tlog.RecordProof
	for _, line := range lines[1:] {
		hash, err := tlog.ParseHash(line)
		if err != nil {
			return err
		}
		proof = append(proof, hash)
	}
	tree, err := openCheckpoint(checkpoint, vkey)
	if err != nil {
		return err
	}
	if err := tlog.CheckRecord(proof, tree.N, tree.Hash, index, tlog.RecordHash(leaf)); err != nil {
		return err
	}
	fmt.Printf("entry %d of %d verified\n", index, tree.N)
	return nil
}

func verifyConsistency(arguments []string) error {
	sizes := make([]int64, 2)
	for i := range sizes {
		size, err := strconv.ParseInt(arguments[i], 10, 64)
		if err != nil {
			return err
		}
		sizes[i] = size
	}
	var hashes []tlog.Hash
	for _, text := range arguments[2:] {
		data, err := base64.StdEncoding.DecodeString(text)
		if err != nil || len(data) != tlog.HashSize {
			return fmt.Errorf("no hash: %s", text)
		}
		var hash tlog.Hash
		copy(hash[:], data)
		hashes = append(hashes, hash)
	}
	err := tlog.CheckTree(tlog.TreeProof(hashes[2:]), sizes[1], hashes[1], sizes[0], hashes[0])
	if err == nil {
		fmt.Printf("%d begins %d\n", sizes[0], sizes[1])
	}
	return err
}
