; The code that runs in the guest: probes addresses through page tables that somebody else made, and writes down what happened.
;
; A multiboot kernel, 32-bit, position-independent: the loader adds the base, a multiple of 4 MiB, to the five addresses of the
; header and to the operand of the first instruction. While paging is on, one 4 MiB page in a directory slot maps [base, base + 4 MiB)
; to itself, for user mode too. judge/guest.ts is the other side of the mailbox.
;
;   base            code, GDT, IDT, TSS
;   base + 0x8000   end of the supervisor stack      base + 0x9000   end of the user stack
;   base + 0x10000  mailbox: command, number of records; from + 0x20 on the records
;   record          0 address   4 what to do   8 operand   12 status   16 error code   20 CR2   24 result   28 buffer
;
; ebx = base, esi = record, edi = end of the records: a probe changes only eax, ecx and edx.
bits 32
org 0
MAIL    equ 0x10000
KSTACK  equ 0x8000
USTACK  equ 0x9000
GO      equ 1
DONE    equ 2
BROKEN  equ 3
PENDING equ 0xEEEEEEEE

hdr: dd 0x1BADB002, 0x00010000, -(0x1BADB002 + 0x00010000)
     dd hdr, hdr, end, end, start
start:
  mov ebx, 0                    ; the loader puts the base here
  cli
  lea esp, [ebx + KSTACK]
  lea eax, [ebx + gdt]
  mov [ebx + gdtr + 2], eax
  lea eax, [ebx + idt]
  mov [ebx + idtr + 2], eax
  lgdt [ebx + gdtr]
  lea eax, [ebx + flat]
  push dword 0x08
  push eax
  retf
flat:
  mov ax, 0x23                  ; data of privilege 3, which both modes may use
  mov ds, ax
  mov es, ax
  mov fs, ax
  mov gs, ax
  mov ax, 0x10
  mov ss, ax
  lea esp, [ebx + KSTACK]
  lea eax, [ebx + tss]
  mov [ebx + gdt + 0x28 + 2], ax
  shr eax, 16
  mov [ebx + gdt + 0x28 + 4], al
  mov [ebx + gdt + 0x28 + 7], ah
  mov [ebx + tss + 4], esp
  mov dword [ebx + tss + 8], 0x10
  mov ax, 0x28
  ltr ax
  xor ecx, ecx
gates:                          ; whatever else happens is the end of the batch
  lea eax, [ebx + broken]
  mov edx, 0x8E00
  call gate
  inc ecx
  cmp ecx, 32
  jne gates
  mov ecx, 14
  lea eax, [ebx + page_fault]
  call gate
  mov ecx, 0x80
  lea eax, [ebx + returned]
  mov edx, 0xEE00
  call gate
  lidt [ebx + idtr]
  mov eax, cr4
  or eax, 0x10                  ; PSE, for the page of this code
  mov cr4, eax

wait_for_work:
  cmp dword [ebx + MAIL], GO
  jne wait_for_work
  lea esi, [ebx + MAIL + 0x20]
  mov edi, [ebx + MAIL + 4]
  shl edi, 5
  add edi, esi
next_record:
  cmp esi, edi
  je finished
  lea esp, [ebx + KSTACK]
  mov dword [esi + 12], PENDING
  mov eax, [esi]
  mov edx, [esi + 4]
  cmp edx, 4
  je load_directory
  cmp edx, 5
  je copy
  test edx, 2
  jnz user
  test edx, 1
  jnz .write
  mov ecx, [eax]
  jmp granted
.write:
  mov ecx, [esi + 8]
  mov [eax], ecx
  jmp granted

load_directory:                 ; address: CR3; operand: CR0.WP. Nothing stays in the TLB.
  mov cr3, eax
  mov eax, cr0
  and eax, 0xFFFEFFFF
  or eax, 0x80000000
  test dword [esi + 8], 1
  jz .switch
  or eax, 0x00010000
.switch:
  mov cr0, eax
  mov eax, cr3
  mov cr3, eax
  jmp granted

copy:                           ; operand: number of words
  push esi
  push edi
  mov ecx, [esi + 8]
  mov edi, [esi + 28]
  mov esi, eax
  cld
  rep movsd
  pop edi
  pop esi
  jmp granted

user:
  push dword 0x23
  lea ecx, [ebx + USTACK]
  push ecx
  pushfd
  push dword 0x1B
  lea ecx, [ebx + user_read]
  test edx, 1
  jz .go
  lea ecx, [ebx + user_write]
.go:
  push ecx
  iretd
user_read:
  mov ecx, [eax]
  int 0x80
user_write:
  mov ecx, [esi + 8]
  mov [eax], ecx
  int 0x80

returned:
granted:
  mov dword [esi + 12], 0
  mov [esi + 24], ecx
next:
  add esi, 32
  jmp next_record

page_fault:                     ; error code on the stack; in a copy the saved registers lie beneath
  mov eax, [esp]
  mov ecx, cr2
  lea edx, [ebx + copy]
  cmp [esp + 4], edx
  jb .note
  lea edx, [ebx + user]
  cmp [esp + 4], edx
  jae .note
  mov edi, [esp + 16]           ; error code, eip, cs, eflags: then what copy pushed
  mov esi, [esp + 20]
.note:
  mov [esi + 16], eax
  mov [esi + 20], ecx
  mov dword [esi + 12], 1
  jmp next

broken:
  mov dword [ebx + MAIL], BROKEN
.stay:
  jmp .stay

finished:                       ; paging off, so that nothing of these tables outlives the batch
  mov eax, cr0
  and eax, 0x7FFEFFFF
  mov cr0, eax
  mov dword [ebx + MAIL], DONE
  jmp wait_for_work

gate:                           ; vector ecx leads to eax, with the attributes dx
  push eax
  mov [ebx + idt + ecx * 8], ax
  mov word [ebx + idt + ecx * 8 + 2], 0x08
  mov [ebx + idt + ecx * 8 + 4], dx
  shr eax, 16
  mov [ebx + idt + ecx * 8 + 6], ax
  pop eax
  ret

align 8
gdt:
  dq 0, 0x00CF9A000000FFFF, 0x00CF92000000FFFF, 0x00CFFA000000FFFF, 0x00CFF2000000FFFF
  dw 0x67, 0
  db 0, 0x89, 0, 0
gdtr:
  dw gdtr - gdt - 1
  dd 0
idtr:
  dw 0x81 * 8 - 1
  dd 0
align 8
idt: times 0x81 dq 0
tss: times 26 dd 0
end:
