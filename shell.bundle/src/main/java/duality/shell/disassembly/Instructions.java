package duality.shell.disassembly;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * All instructions of 32 bits, pseudo-instructions first, as rows of mnemonic, operands, bits and
 * mask. The letters of operands: d s t integer registers rd, rs1, rs2; D S T R floating-point ones;
 * i m immediates of I and S type; b a targets of branches and jal; u upper immediate; h w shift
 * amounts of 6 and 5 bits; c a CSR; z its immediate; M rounding mode; P Q the sets of a fence. A
 * mnemonic with + takes .aq and .rl; one with = wants rs1 and rs2 equal.
 */
final class Instructions {
  /**
   * One of them.
   *
   * @param name mnemonic
   * @param operands letters, and what stands for itself
   * @param bits what the bits under the mask are
   * @param mask which bits
   * @param ordered whether aq and rl belong to the mnemonic
   * @param sameSources whether rs1 and rs2 have to be equal
   */
  record Form(
      String name, String operands, int bits, int mask, boolean ordered, boolean sameSources) {
    boolean fits(int word) {
      return (word & mask) == bits && (!sameSources || (word >>> 15 & 31) == (word >>> 20 & 31));
    }
  }

  private static final String PSEUDO =
      """
      nop        -      00000013 ffffffff
      li         d,i    00000013 000ff07f
      mv         d,s    00000013 fff0707f
      not        d,s    fff04013 fff0707f
      zext.b     d,s    0ff07013 fff0707f
      neg        d,t    40000033 fe0ff07f
      negw       d,t    4000003b fe0ff07f
      sext.w     d,s    0000001b fff0707f
      zext.w     d,s    0800003b fff0707f
      seqz       d,s    00103013 fff0707f
      snez       d,t    00003033 fe0ff07f
      sltz       d,s    00002033 fff0707f
      sgtz       d,t    00002033 fe0ff07f
      ret        -      00008067 ffffffff
      jr         s      00000067 fff07fff
      jr         i(s)   00000067 00007fff
      jalr       s      000000e7 fff07fff
      jalr       i(s)   000000e7 00007fff
      jalr       d,s    00000067 fff0707f
      j          a      0000006f 00000fff
      jal        a      000000ef 00000fff
      beqz       s,b    00000063 01f0707f
      bnez       s,b    00001063 01f0707f
      bltz       s,b    00004063 01f0707f
      bgtz       t,b    00004063 000ff07f
      blez       t,b    00005063 000ff07f
      bgez       s,b    00005063 01f0707f
      fence      -      0ff0000f ffffffff
      fence.tso  -      8330000f ffffffff
      unimp      -      c0001073 ffffffff
      rdcycle    d      c0002073 fffff07f
      rdtime     d      c0102073 fffff07f
      rdinstret  d      c0202073 fffff07f
      frflags    d      00102073 fffff07f
      fsflags    s      00101073 fff07fff
      fsflags    d,s    00101073 fff0707f
      fsflagsi   d,z    00105073 fff0707f
      frrm       d      00202073 fffff07f
      fsrm       s      00201073 fff07fff
      fsrm       d,s    00201073 fff0707f
      fsrmi      d,z    00205073 fff0707f
      frcsr      d      00302073 fffff07f
      fscsr      s      00301073 fff07fff
      fscsr      d,s    00301073 fff0707f
      csrr       d,c    00002073 000ff07f
      csrw       c,s    00001073 00007fff
      csrs       c,s    00002073 00007fff
      csrc       c,s    00003073 00007fff
      csrwi      c,z    00005073 00007fff
      csrsi      c,z    00006073 00007fff
      csrci      c,z    00007073 00007fff
      sfence.vma -      12000073 ffffffff
      sfence.vma s      12000073 fff07fff
      fmv.s=     D,S    20000053 fe00707f
      fneg.s=    D,S    20001053 fe00707f
      fabs.s=    D,S    20002053 fe00707f
      fmv.d=     D,S    22000053 fe00707f
      fneg.d=    D,S    22001053 fe00707f
      fabs.d=    D,S    22002053 fe00707f
      """;

  private static final String INTEGER =
      """
      lui        d,u    00000037 0000007f
      auipc      d,u    00000017 0000007f
      jal        d,a    0000006f 0000007f
      jalr       d,i(s) 00000067 0000707f
      beq        s,t,b  00000063 0000707f
      bne        s,t,b  00001063 0000707f
      blt        s,t,b  00004063 0000707f
      bge        s,t,b  00005063 0000707f
      bltu       s,t,b  00006063 0000707f
      bgeu       s,t,b  00007063 0000707f
      lb         d,i(s) 00000003 0000707f
      lh         d,i(s) 00001003 0000707f
      lw         d,i(s) 00002003 0000707f
      ld         d,i(s) 00003003 0000707f
      lbu        d,i(s) 00004003 0000707f
      lhu        d,i(s) 00005003 0000707f
      lwu        d,i(s) 00006003 0000707f
      sb         t,m(s) 00000023 0000707f
      sh         t,m(s) 00001023 0000707f
      sw         t,m(s) 00002023 0000707f
      sd         t,m(s) 00003023 0000707f
      addi       d,s,i  00000013 0000707f
      slti       d,s,i  00002013 0000707f
      sltiu      d,s,i  00003013 0000707f
      xori       d,s,i  00004013 0000707f
      ori        d,s,i  00006013 0000707f
      andi       d,s,i  00007013 0000707f
      slli       d,s,h  00001013 fc00707f
      srli       d,s,h  00005013 fc00707f
      srai       d,s,h  40005013 fc00707f
      add        d,s,t  00000033 fe00707f
      sub        d,s,t  40000033 fe00707f
      sll        d,s,t  00001033 fe00707f
      slt        d,s,t  00002033 fe00707f
      sltu       d,s,t  00003033 fe00707f
      xor        d,s,t  00004033 fe00707f
      srl        d,s,t  00005033 fe00707f
      sra        d,s,t  40005033 fe00707f
      or         d,s,t  00006033 fe00707f
      and        d,s,t  00007033 fe00707f
      addiw      d,s,i  0000001b 0000707f
      slliw      d,s,w  0000101b fe00707f
      srliw      d,s,w  0000501b fe00707f
      sraiw      d,s,w  4000501b fe00707f
      addw       d,s,t  0000003b fe00707f
      subw       d,s,t  4000003b fe00707f
      sllw       d,s,t  0000103b fe00707f
      srlw       d,s,t  0000503b fe00707f
      sraw       d,s,t  4000503b fe00707f
      mul        d,s,t  02000033 fe00707f
      mulh       d,s,t  02001033 fe00707f
      mulhsu     d,s,t  02002033 fe00707f
      mulhu      d,s,t  02003033 fe00707f
      div        d,s,t  02004033 fe00707f
      divu       d,s,t  02005033 fe00707f
      rem        d,s,t  02006033 fe00707f
      remu       d,s,t  02007033 fe00707f
      mulw       d,s,t  0200003b fe00707f
      divw       d,s,t  0200403b fe00707f
      divuw      d,s,t  0200503b fe00707f
      remw       d,s,t  0200603b fe00707f
      remuw      d,s,t  0200703b fe00707f
      fence      P,Q    0000000f f00fffff
      fence.i    -      0000100f ffffffff
      ecall      -      00000073 ffffffff
      ebreak     -      00100073 ffffffff
      sret       -      10200073 ffffffff
      mret       -      30200073 ffffffff
      dret       -      7b200073 ffffffff
      wfi        -      10500073 ffffffff
      sfence.vma s,t    12000073 fe007fff
      csrrw      d,c,s  00001073 0000707f
      csrrs      d,c,s  00002073 0000707f
      csrrc      d,c,s  00003073 0000707f
      csrrwi     d,c,z  00005073 0000707f
      csrrsi     d,c,z  00006073 0000707f
      csrrci     d,c,z  00007073 0000707f
      cbo.inval  (s)    0000200f fff07fff
      cbo.clean  (s)    0010200f fff07fff
      cbo.flush  (s)    0020200f fff07fff
      cbo.zero   (s)    0040200f fff07fff
      """;

  private static final String BITS =
      """
      sh1add     d,s,t  20002033 fe00707f
      sh2add     d,s,t  20004033 fe00707f
      sh3add     d,s,t  20006033 fe00707f
      add.uw     d,s,t  0800003b fe00707f
      sh1add.uw  d,s,t  2000203b fe00707f
      sh2add.uw  d,s,t  2000403b fe00707f
      sh3add.uw  d,s,t  2000603b fe00707f
      slli.uw    d,s,h  0800101b fc00707f
      andn       d,s,t  40007033 fe00707f
      orn        d,s,t  40006033 fe00707f
      xnor       d,s,t  40004033 fe00707f
      clz        d,s    60001013 fff0707f
      ctz        d,s    60101013 fff0707f
      cpop       d,s    60201013 fff0707f
      clzw       d,s    6000101b fff0707f
      ctzw       d,s    6010101b fff0707f
      cpopw      d,s    6020101b fff0707f
      min        d,s,t  0a004033 fe00707f
      minu       d,s,t  0a005033 fe00707f
      max        d,s,t  0a006033 fe00707f
      maxu       d,s,t  0a007033 fe00707f
      sext.b     d,s    60401013 fff0707f
      sext.h     d,s    60501013 fff0707f
      zext.h     d,s    0800403b fff0707f
      rol        d,s,t  60001033 fe00707f
      ror        d,s,t  60005033 fe00707f
      rori       d,s,h  60005013 fc00707f
      rolw       d,s,t  6000103b fe00707f
      rorw       d,s,t  6000503b fe00707f
      roriw      d,s,w  6000501b fe00707f
      orc.b      d,s    28705013 fff0707f
      rev8       d,s    6b805013 fff0707f
      bclr       d,s,t  48001033 fe00707f
      bclri      d,s,h  48001013 fc00707f
      bext       d,s,t  48005033 fe00707f
      bexti      d,s,h  48005013 fc00707f
      binv       d,s,t  68001033 fe00707f
      binvi      d,s,h  68001013 fc00707f
      bset       d,s,t  28001033 fe00707f
      bseti      d,s,h  28001013 fc00707f
      """;

  /** Of 32 bits; those of 64 have bit 12 more. */
  private static final String ATOMIC =
      """
      lr+        d,(s)    1000202f f9f0707f
      sc+        d,t,(s)  1800202f f800707f
      amoswap+   d,t,(s)  0800202f f800707f
      amoadd+    d,t,(s)  0000202f f800707f
      amoxor+    d,t,(s)  2000202f f800707f
      amoand+    d,t,(s)  6000202f f800707f
      amoor+     d,t,(s)  4000202f f800707f
      amomin+    d,t,(s)  8000202f f800707f
      amomax+    d,t,(s)  a000202f f800707f
      amominu+   d,t,(s)  c000202f f800707f
      amomaxu+   d,t,(s)  e000202f f800707f
      """;

  /** Of single precision; those of double have bit 25 more, and .d for .s. */
  private static final String FLOAT =
      """
      fmadd.s    D,S,T,RM 00000043 0600007f
      fmsub.s    D,S,T,RM 00000047 0600007f
      fnmsub.s   D,S,T,RM 0000004b 0600007f
      fnmadd.s   D,S,T,RM 0000004f 0600007f
      fadd.s     D,S,TM   00000053 fe00007f
      fsub.s     D,S,TM   08000053 fe00007f
      fmul.s     D,S,TM   10000053 fe00007f
      fdiv.s     D,S,TM   18000053 fe00007f
      fsqrt.s    D,SM     58000053 fff0007f
      fsgnj.s    D,S,T    20000053 fe00707f
      fsgnjn.s   D,S,T    20001053 fe00707f
      fsgnjx.s   D,S,T    20002053 fe00707f
      fmin.s     D,S,T    28000053 fe00707f
      fmax.s     D,S,T    28001053 fe00707f
      fcvt.w.s   d,SM     c0000053 fff0007f
      fcvt.wu.s  d,SM     c0100053 fff0007f
      fcvt.l.s   d,SM     c0200053 fff0007f
      fcvt.lu.s  d,SM     c0300053 fff0007f
      fle.s      d,S,T    a0000053 fe00707f
      flt.s      d,S,T    a0001053 fe00707f
      feq.s      d,S,T    a0002053 fe00707f
      fclass.s   d,S      e0001053 fff0707f
      """;

  private static final String MOVES =
      """
      flw        D,i(s)   00002007 0000707f
      fld        D,i(s)   00003007 0000707f
      fsw        T,m(s)   00002027 0000707f
      fsd        T,m(s)   00003027 0000707f
      fmv.x.w    d,S      e0000053 fff0707f
      fmv.w.x    D,s      f0000053 fff0707f
      fmv.x.d    d,S      e2000053 fff0707f
      fmv.d.x    D,s      f2000053 fff0707f
      fcvt.s.w   D,sM     d0000053 fff0007f
      fcvt.s.wu  D,sM     d0100053 fff0007f
      fcvt.s.l   D,sM     d0200053 fff0007f
      fcvt.s.lu  D,sM     d0300053 fff0007f
      fcvt.d.w   D,s      d2000053 fff0707f
      fcvt.d.wu  D,s      d2100053 fff0707f
      fcvt.d.l   D,sM     d2200053 fff0007f
      fcvt.d.lu  D,sM     d2300053 fff0007f
      fcvt.s.d   D,SM     40100053 fff0007f
      fcvt.d.s   D,S      42000053 fff0707f
      """;

  private static final int DOUBLE = 1 << 25;
  private static final int DOUBLEWORD = 1 << 12;

  /** Rows by the low seven bits, in the order in which they are tried. */
  private static final List<List<Form>> BY_OPCODE = new ArrayList<>();

  static {
    for (int i = 0; i < 128; i++) {
      BY_OPCODE.add(new ArrayList<>());
    }
    add(PSEUDO, "", "", 0);
    add(INTEGER, "", "", 0);
    add(BITS, "", "", 0);
    add(ATOMIC, "$", ".w", 0);
    add(ATOMIC, "$", ".d", DOUBLEWORD);
    add(FLOAT, "", "", 0);
    add(FLOAT, "s$", "d", DOUBLE);
    add(MOVES, "", "", 0);
  }

  private Instructions() {}

  private static void add(String rows, String ending, String other, int more) {
    for (String row : rows.lines().toList()) {
      String[] part = row.trim().split(" +", -1);
      boolean ordered = part[0].endsWith("+");
      boolean same = part[0].endsWith("=");
      String name = part[0].replaceFirst("[+=]$", "").replaceFirst(ending, other);
      int bits = Integer.parseUnsignedInt(part[2], 16) | more;
      int mask = Integer.parseUnsignedInt(part[3], 16);
      String operands = part[1].equals("-") ? "" : part[1];
      BY_OPCODE.get(bits & 127).add(new Form(name, operands, bits, mask, ordered, same));
    }
  }

  /** All of them. */
  static List<Form> all() {
    return BY_OPCODE.stream().flatMap(List::stream).toList();
  }

  /** What a word of 32 bits is; null when it is no instruction. */
  static @Nullable Form find(int word) {
    for (Form form : BY_OPCODE.get(word & 127)) {
      if (form.fits(word)) {
        return form;
      }
    }
    return null;
  }
}
